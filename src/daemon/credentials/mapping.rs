//! Which credential is what: `credentials` in the settings, of which the first that fits counts.

use std::sync::Arc;

use super::asked::Asked;
use crate::daemon::policy::Action;
use crate::daemon::settings::{Credential, CredentialValue};
use crate::export::format::Format;
use crate::project::Pattern;
use crate::protocol::{OpenCall, View};
use crate::store::EnvironmentName;
use crate::syntax::path;

/// What units are given.
#[derive(Debug, Default)]
pub struct Mapping {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    unit: Pattern,
    credential: Pattern,
    wanted: Wanted,
}

/// What a credential is.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The environments that it is from, later ones over earlier ones.
    pub environments: Vec<Arc<str>>,
    /// What of them.
    pub value: Value,
}

/// What of the environments a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The value at a path below `values`.
    Path(String),
    /// A variable.
    Variable(String),
    /// The content of a file.
    File(String),
    /// All variables, in a notation.
    All(Format),
}

impl Mapping {
    /// Understands the settings.
    ///
    /// # Errors
    /// What is wrong with them, and where: begins with the key.
    pub fn new(credentials: &[Credential]) -> Result<Self, String> {
        let entries = credentials.iter().enumerate().map(|(index, credential)| {
            Entry::new(credential)
                .map_err(|(key, reason)| format!("credentials[{index}].{key}: {reason}"))
        });
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What a credential is, if it is anything.
    pub fn find(&self, asked: &Asked) -> Option<&Wanted> {
        let fits = |entry: &&Entry| {
            entry.unit.matches_text(&asked.unit) && entry.credential.matches_text(&asked.credential)
        };
        self.entries.iter().find(fits).map(|entry| &entry.wanted)
    }
}

impl Entry {
    fn new(credential: &Credential) -> Result<Self, (&'static str, String)> {
        let pattern = |key, text| Pattern::new(text).map_err(|reason| (key, reason));
        let environment = |name: &String| match name.parse::<EnvironmentName>() {
            Ok(name) => Ok(Arc::from(name.as_str())),
            Err(error) => Err(("environments", error.to_string())),
        };
        let environments = credential.environments.iter().map(environment);
        Ok(Self {
            unit: pattern("unit", &credential.unit)?,
            credential: pattern("credential", &credential.credential)?,
            wanted: Wanted {
                environments: environments.collect::<Result<_, _>>()?,
                value: value(&credential.value)?,
            },
        })
    }
}

fn value(value: &CredentialValue) -> Result<Value, (&'static str, String)> {
    match value {
        CredentialValue::Path(text) => match path::parse(text) {
            Ok(_) => Ok(Value::Path(text.clone())),
            Err(error) => Err(("path", format!("invalid property path: {error}"))),
        },
        CredentialValue::Variable(name) => Ok(Value::Variable(variable("variable", name)?)),
        CredentialValue::File(name) => Ok(Value::File(variable("file", name)?)),
        CredentialValue::Format(name) => match name.as_str() {
            "dotenv" => Ok(Value::All(Format::Dotenv)),
            "json" => Ok(Value::All(Format::Json)),
            _ => Err(("format", "must be dotenv or json".to_owned())),
        },
    }
}

/// The name of a variable, which no glob can be mistaken for.
fn variable(key: &'static str, name: &str) -> Result<String, (&'static str, String)> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.is_empty() && name.bytes().all(is_part) {
        return Ok(name.to_owned());
    }
    Err((
        key,
        "must be the name of a variable: letters, digits and `_`".to_owned(),
    ))
}

impl Wanted {
    /// What the unit would have to ask for.
    pub fn call(&self) -> OpenCall {
        let call = OpenCall {
            environments: self
                .environments
                .iter()
                .map(|name| String::from(&**name))
                .collect(),
            ..OpenCall::default()
        };
        match &self.value {
            Value::Path(path) => OpenCall {
                view: View::Values,
                path: Some(path.clone()),
                ..call
            },
            Value::Variable(name) | Value::File(name) => OpenCall {
                only: vec![name.clone()],
                ..call
            },
            Value::All(_) => call,
        }
    }

    /// What it would have to be allowed.
    pub fn action(&self) -> Action {
        match self.value {
            Value::Path(_) => Action::Value,
            Value::Variable(_) | Value::File(_) | Value::All(_) => Action::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(unit: &str, credential: &str, value: CredentialValue) -> Credential {
        Credential {
            unit: unit.to_owned(),
            credential: credential.to_owned(),
            environments: vec!["app".to_owned()],
            value,
        }
    }

    fn path(path: &str) -> CredentialValue {
        CredentialValue::Path(path.to_owned())
    }

    #[test]
    fn the_first_entry_that_fits_counts() {
        let mapping = Mapping::new(&[
            credential("web@*.service", "db-*", path("db.password")),
            credential(
                "web@*.service",
                "*",
                CredentialValue::Variable("TOKEN".into()),
            ),
            credential("*", "all", CredentialValue::Format("dotenv".into())),
        ])
        .expect("a mapping");
        let find = |unit: &str, credential: &str| {
            let asked = Asked {
                unit: unit.to_owned(),
                credential: credential.to_owned(),
            };
            mapping.find(&asked).map(|wanted| wanted.value.clone())
        };
        for (unit, credential, expected) in [
            (
                "web@1.service",
                "db-password",
                Some(Value::Path("db.password".into())),
            ),
            (
                "web@1.service",
                "all",
                Some(Value::Variable("TOKEN".into())),
            ),
            ("mail.service", "all", Some(Value::All(Format::Dotenv))),
            ("mail.service", "token", None),
            ("web.service", "db-password", None),
        ] {
            assert_eq!(find(unit, credential), expected, "{unit} {credential}");
        }
    }

    #[test]
    fn faults_are_told_by_key() {
        let good = || credential("a", "b", path("c"));
        let named = |value| credential("a", "b", value);
        for (wrong, expected) in [
            (credential("[", "b", path("c")), "unit: no valid pattern: "),
            (
                credential("a", "***", path("c")),
                "credential: no valid pattern: ",
            ),
            (
                credential("a", "b", path("c[")),
                "path: invalid property path: ",
            ),
            (
                Credential {
                    environments: vec!["../x".to_owned()],
                    ..good()
                },
                "environments: ",
            ),
            (
                named(CredentialValue::Variable("A*".into())),
                "variable: must be ",
            ),
            (
                named(CredentialValue::File(String::new())),
                "file: must be ",
            ),
            (
                named(CredentialValue::Format("shell".into())),
                "format: must be ",
            ),
        ] {
            let told = Mapping::new(&[good(), wrong]).expect_err("a fault");
            assert!(
                told.starts_with(&format!("credentials[1].{expected}")),
                "{told}"
            );
        }
    }

    #[test]
    fn a_unit_asks_for_no_more_than_it_is_given() {
        let wanted = |value| Wanted {
            environments: vec!["app".into()],
            value,
        };
        let by_path = wanted(Value::Path("db.password".into()));
        assert_eq!(by_path.action(), Action::Value);
        assert_eq!(by_path.call().path.as_deref(), Some("db.password"));
        let variable = wanted(Value::Variable("TOKEN".into()));
        assert_eq!(variable.action(), Action::Open);
        assert_eq!(variable.call().only, ["TOKEN"]);
        assert_eq!(
            wanted(Value::All(Format::Json)).call().environments,
            ["app"]
        );
    }
}
