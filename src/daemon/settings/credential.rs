//! `credentials`: what units are given.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::kind::Kind;
use crate::export::format::Format;
use crate::project::Pattern;
use crate::project::config::refused;
use crate::store::EnvironmentName;
use crate::syntax::path;

/// What a unit is given as a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Which units.
    pub unit: Pattern,
    /// Which of their credentials.
    pub credential: Pattern,
    /// The environments that it is from, later ones over earlier ones; at least one.
    pub environments: Vec<EnvironmentName>,
    /// What of them.
    pub value: CredentialValue,
}

/// What of the environments a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialValue {
    /// The value at this path below `values`, as text.
    Path(String),
    /// The variable of this name.
    Variable(String),
    /// The content of the file whose variable has this name.
    File(String),
    /// All variables, in this notation.
    All(Format),
}

const NAMES: Kind<Pattern> = Kind {
    words: "a name, or a glob of names",
    read: |text| Pattern::new(text).ok().filter(|_| !text.is_empty()),
};

const ENVIRONMENT: Kind<EnvironmentName> = Kind {
    words: "the name of an environment, such as production or team/app",
    read: |text| text.parse().ok(),
};

const PATH: Kind<CredentialValue> = Kind {
    words: "the path of a value, such as database.password",
    read: |text| {
        let is_path = path::parse(text).is_ok_and(|steps| !steps.is_empty());
        is_path.then(|| CredentialValue::Path(text.to_owned()))
    },
};

const VARIABLE: Kind<CredentialValue> = Kind {
    words: "the name of a variable: letters, digits and `_`",
    read: |text| is_variable(text).then(|| CredentialValue::Variable(text.to_owned())),
};

const FILE: Kind<CredentialValue> = Kind {
    words: "the name of a file's variable: letters, digits and `_`",
    read: |text| is_variable(text).then(|| CredentialValue::File(text.to_owned())),
};

const FORMAT: Kind<CredentialValue> = Kind {
    words: "dotenv or json",
    read: |text| match text {
        "dotenv" => Some(CredentialValue::All(Format::Dotenv)),
        "json" => Some(CredentialValue::All(Format::Json)),
        _ => None,
    },
};

/// Whether it is the name of a variable, which no glob can be mistaken for.
fn is_variable(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_part)
}

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
struct Written {
    #[serde(deserialize_with = "names")]
    unit: Pattern,
    #[serde(deserialize_with = "names")]
    credential: Pattern,
    #[serde(deserialize_with = "environments")]
    environments: Vec<EnvironmentName>,
    #[serde(default, deserialize_with = "by_path")]
    path: Option<CredentialValue>,
    #[serde(default, deserialize_with = "variable")]
    variable: Option<CredentialValue>,
    #[serde(default, deserialize_with = "file")]
    file: Option<CredentialValue>,
    #[serde(default, deserialize_with = "format")]
    format: Option<CredentialValue>,
}

/// Reads the entries.
pub(super) fn credentials<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Credential>, D::Error> {
    from.deserialize_option(Entries)
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<Credential>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element_seed(Entry(&entries))? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// One entry, after those before it.
struct Entry<'a>(&'a [Credential]);

impl<'de> DeserializeSeed<'de> for Entry<'_> {
    type Value = Credential;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Credential, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entry<'_> {
    type Value = Credential;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a mapping with unit, credential, environments, and path, variable, file or format",
        )
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Credential, A::Error> {
        let written = Written::deserialize(MapAccessDeserializer::new(map))?;
        if written.environments.is_empty() {
            return Err(refused("`environments` names none"));
        }
        let is_same =
            |one: &Credential| (&one.unit, &one.credential) == (&written.unit, &written.credential);
        if self.0.iter().any(is_same) {
            return Err(refused(
                "the same unit and credential are in the list already, and the first that fits counts",
            ));
        }
        let values = [written.path, written.variable, written.file, written.format];
        let mut values = values.into_iter().flatten();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(refused(
                "needs one of `path`, `variable`, `file` and `format`",
            ));
        };
        Ok(Credential {
            unit: written.unit,
            credential: written.credential,
            environments: written.environments,
            value,
        })
    }
}

fn names<'de, D: Deserializer<'de>>(from: D) -> Result<Pattern, D::Error> {
    NAMES.required(from)
}

fn environments<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<EnvironmentName>, D::Error> {
    ENVIRONMENT.list(from)
}

fn by_path<'de, D: Deserializer<'de>>(from: D) -> Result<Option<CredentialValue>, D::Error> {
    PATH.optional(from)
}

fn variable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<CredentialValue>, D::Error> {
    VARIABLE.optional(from)
}

fn file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<CredentialValue>, D::Error> {
    FILE.optional(from)
}

fn format<'de, D: Deserializer<'de>>(from: D) -> Result<Option<CredentialValue>, D::Error> {
    FORMAT.optional(from)
}
