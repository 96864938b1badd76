//! The language, by examples: every folder under `tests/cases` holds an environment `env`, what it imports, and in
//! `expected.json` what comes out. `BLESS=1 cargo test cases` writes what comes out now.
//!
//! `value` is redacted; `revealed` and `check` (nothing decrypted, no provider asked) are there where they differ from
//! it, and `check_diagnostics` where they differ from `diagnostics`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use escrun::diagnostic::{self, Diagnostic, Place};
use escrun::encode::{self, Redaction};
use escrun::eval::{self, Evaluated, Host, LoadError, Loaded, Loader, Mode, Selection};
use escrun::source::{Origin, Source, Span};
use escrun::value::{Data, Member, Object, Text, Value};
use serde_json::{Map, json};

use crate::host::{RecordedProviders, ToyCipher};

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let cases = fs::read_dir(folder).unwrap();
    let mut folders: Vec<PathBuf> = cases.map(|case| case.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() > 50, "some cases are missing");
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for folder in folders {
        let file = folder.join("expected.json");
        let mut got = serde_json::to_string_pretty(&outcome(&folder)).unwrap();
        got.push('\n');
        if bless {
            fs::write(&file, &got).unwrap();
        } else if fs::read_to_string(&file).unwrap_or_default() != got {
            wrong.push(format!("{} gives\n{got}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What comes out of a case, in the form of `expected.json`.
fn outcome(folder: &Path) -> serde_json::Value {
    let evaluated = evaluate(folder, Mode::Eval);
    let checked = evaluate(folder, Mode::Check);
    let value = tree(&evaluated, Redaction::Redact);
    let revealed = tree(&evaluated, Redaction::Reveal);
    let check = tree(&checked, Redaction::Redact);
    let diagnostics = told(evaluated.diagnostics);
    let check_diagnostics = told(checked.diagnostics);
    let mut outcome = Map::new();
    if check != value {
        outcome.insert("check".into(), check);
    }
    if check_diagnostics != diagnostics {
        outcome.insert("check_diagnostics".into(), json!(check_diagnostics));
    }
    if !diagnostics.is_empty() {
        outcome.insert("diagnostics".into(), json!(diagnostics));
    }
    if revealed != value {
        outcome.insert("revealed".into(), revealed);
    }
    outcome.insert("value".into(), value);
    serde_json::Value::Object(outcome)
}

fn evaluate(folder: &Path, mode: Mode) -> Evaluated {
    let host = Host {
        mode,
        loader: &Files(folder),
        decrypter: &ToyCipher,
        providers: &RecordedProviders::default(),
        context: context(),
    };
    eval::evaluate(&host, &Selection::Named(vec![Arc::from("env")]), None)
}

/// The definitions in a folder.
struct Files<'a>(&'a Path);

impl Loader for Files<'_> {
    fn load(&self, name: &str) -> Result<Loaded, LoadError> {
        let text =
            fs::read_to_string(self.0.join(format!("{name}.yaml"))).map_err(|_| LoadError {
                message: format!("there is no environment {name:?}"),
                hint: None,
            })?;
        Ok(Loaded {
            definition: Source::new(name, None, text),
            local: None,
        })
    }
}

/// `team.name`, as if given on the command line.
fn context() -> Object {
    let origin = Origin::new(&Source::new("context", None, ""), Span::default());
    let object = |key: &str, value: Value| {
        Object::new(BTreeMap::from([(Arc::from(key), Member::from(value))]))
    };
    let name = Value::new(Data::String(Text::plain("blue")), origin.clone());
    let team = Data::Object(Arc::new(object("name", name)));
    object("team", Value::new(team, origin))
}

fn tree(evaluated: &Evaluated, redaction: Redaction) -> serde_json::Value {
    let encoded = encode::json(&evaluated.merged, redaction).unwrap();
    serde_json::from_slice(encoded.text.bytes()).unwrap()
}

/// The diagnostics, one line each: `error env:3:7 values.a: message (hint: what helps)`.
fn told(mut diagnostics: Vec<Diagnostic>) -> Vec<String> {
    diagnostic::sort(&mut diagnostics);
    let lines = diagnostics.iter().map(|diagnostic| {
        let place = match &diagnostic.place {
            Place::At(Origin { source, span }) => {
                format!(" {}:{}:{}", source.name(), span.line, span.column)
            }
            Place::In(source) => format!(" {}", source.name()),
            Place::Nowhere => String::new(),
        };
        let path = match diagnostic.path.as_str() {
            "" => String::new(),
            path => format!(" {path}"),
        };
        let severity = diagnostic.severity.name();
        let hint = match &diagnostic.hint {
            Some(hint) => format!(" (hint: {hint})"),
            None => String::new(),
        };
        format!("{severity}{place}{path}: {}{hint}", diagnostic.message)
    });
    lines.collect()
}
