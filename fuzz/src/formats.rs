//! What is written in a notation reads back as what it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use escrun::encode::{Redaction, decode_json, decode_yaml};
use escrun::export::format::{Format, write};
use escrun::export::{Composed, Options, Variables, project};
use escrun::provider::dotenv;
use escrun::source::{Origin, Source, Span};
use escrun::value::{Data, Member, Object, Text, Value};

use super::world::{CANARY, told};

/// Takes values, with NUL between them. The last is a secret.
pub fn check(data: &[u8]) {
    let mut values: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (number, value) in data.split(|byte| *byte == 0).take(100).enumerate() {
        values.insert(format!("V{number:02}"), value.to_vec());
    }
    let variables = variables(&values);
    for format in Format::ALL {
        let Ok(written) = write(&variables, format, Redaction::Reveal) else {
            continue;
        };
        let read = match format {
            Format::Dotenv => dotenv::parse(written.text.bytes())
                .expect("it is read")
                .into_iter()
                .collect(),
            Format::Json => strings(decode_json(written.text.bytes(), false, &origin())),
            Format::Yaml => strings(decode_yaml(written.text.bytes(), false, &origin())),
            _ => continue,
        };
        assert_eq!(read, values, "{}", format.name());
    }
    secrets_do_not_show(&values);
}

fn secrets_do_not_show(values: &BTreeMap<String, Vec<u8>>) {
    let mut values = values.clone();
    values.insert("SECRET".to_owned(), CANARY.into());
    let variables = variables(&values);
    for format in Format::ALL {
        let shown = match write(&variables, format, Redaction::Redact) {
            Ok(written) => String::from_utf8_lossy(written.text.bytes()).into_owned(),
            Err(faults) => told(&faults),
        };
        let planted = values.iter().any(|(name, value)| {
            name != "SECRET" && String::from_utf8_lossy(value).contains(CANARY)
        });
        assert!(planted || !shown.contains(CANARY), "{}", format.name());
    }
}

fn variables(values: &BTreeMap<String, Vec<u8>>) -> Variables {
    let members = values.iter().map(|(name, value)| {
        let text = Value::new(Data::String(Text::plain(value)), origin());
        (
            name.clone(),
            if name == "SECRET" {
                text.into_secret()
            } else {
                text
            },
        )
    });
    let declared = object(members);
    let merged = object([("environmentVariables".to_owned(), declared)]);
    let named = vec![(Arc::from("test"), merged.clone())];
    project(&Composed { named, merged }, &Options::default()).variables
}

fn object(members: impl IntoIterator<Item = (String, Value)>) -> Value {
    let members = members.into_iter().map(|(key, value)| {
        let member = Member {
            value,
            outside: false,
        };
        (Arc::from(key), member)
    });
    let object = Object::new(members.collect());
    Value::new(Data::Object(Arc::new(object)), origin())
}

fn origin() -> Origin {
    Origin::new(&Source::new("test", None, ""), Span::default())
}

fn strings(decoded: Result<Value, String>) -> BTreeMap<String, Vec<u8>> {
    let Data::Object(object) = decoded.expect("it is read").data else {
        panic!("it is no object");
    };
    let strings = object.members.iter().map(|(key, member)| {
        let Data::String(text) = &member.value.data else {
            panic!("{key} is no string");
        };
        (key.to_string(), text.bytes().to_vec())
    });
    strings.collect()
}
