//! The providers that are built in. All of them give secrets unless `secret: false` says otherwise: what lies in a file
//! or variable that a definition has to ask for is more often a secret than not.

mod age;
mod command;
mod env;
mod file;

use std::sync::LazyLock;

use super::Config;
use super::slot::Finish;
use crate::encode::decode_whole_json;
use crate::eval::{Call, ProviderError, ProviderSchema};
use crate::schema::Schema;
use crate::source::{Origin, Source, Span};
use crate::value::Value;

/// A provider that is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    /// The content of a file.
    File,
    /// A file of `NAME=value` lines.
    Dotenv,
    /// The content of an encrypted file.
    Age,
    /// Variables.
    Env,
    /// What a program writes.
    Command,
}

/// A call that has been begun.
pub(super) enum Begun {
    /// It has ended already.
    Done(Result<Value, ProviderError>),
    /// It takes its time.
    Fetching(Box<dyn FnOnce() -> Finish<Value> + Send>),
}

impl From<Result<Value, ProviderError>> for Begun {
    fn from(result: Result<Value, ProviderError>) -> Self {
        Begun::Done(result)
    }
}

impl Builtin {
    const ALL: [(&str, Builtin); 5] = [
        ("age", Builtin::Age),
        ("command", Builtin::Command),
        ("dotenv", Builtin::Dotenv),
        ("env", Builtin::Env),
        ("file", Builtin::File),
    ];

    /// The provider called `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(other, _)| *other == name);
        found.map(|(_, builtin)| builtin)
    }

    /// Its schemas.
    pub(super) fn schema(self) -> ProviderSchema {
        static SCHEMAS: LazyLock<Vec<(Builtin, ProviderSchema)>> = LazyLock::new(|| {
            let schemas = Builtin::ALL.iter();
            schemas
                .map(|(_, builtin)| (*builtin, builtin.compiled()))
                .collect()
        });
        let found = SCHEMAS.iter().find(|(builtin, _)| *builtin == self);
        let (_, schema) = found.expect("the list is made of all of them");
        schema.clone()
    }

    fn compiled(self) -> ProviderSchema {
        let (inputs, outputs) = match self {
            Builtin::File => (file::INPUTS, "true"),
            Builtin::Dotenv => (
                file::DOTENV_INPUTS,
                r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
            ),
            Builtin::Age => (age::INPUTS, "true"),
            Builtin::Env => (env::INPUTS, env::OUTPUTS),
            Builtin::Command => (command::INPUTS, "true"),
        };
        ProviderSchema {
            inputs: compile(inputs),
            outputs: compile(outputs),
            state: None,
        }
    }

    /// Begins a call.
    pub(super) fn open(self, call: &Call<'_>, config: &Config) -> Begun {
        match self {
            Builtin::File => file::open(call, config).into(),
            Builtin::Dotenv => file::open_dotenv(call, config).into(),
            Builtin::Age => age::open(call, config).into(),
            Builtin::Env => env::open(call, config).into(),
            Builtin::Command => {
                command::open(call, config).unwrap_or_else(|error| Begun::Done(Err(error)))
            }
        }
    }
}

fn compile(text: &str) -> Schema {
    let origin = Origin::new(&Source::new("<schema>", None, ""), Span::default());
    let value = decode_whole_json(text.as_bytes(), false, &origin);
    let schema = value.and_then(|value| Schema::compile(&value));
    schema.expect("the schema of a built-in provider is tested")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_schemas_compile() {
        for (name, builtin) in Builtin::ALL {
            assert_eq!(Builtin::named(name), Some(builtin));
            assert!(
                builtin
                    .schema()
                    .inputs
                    .property("nonsense")
                    .is_ok_and(|schema| schema.is_never()),
                "{name}"
            );
        }
        assert_eq!(Builtin::named("nope"), None);
    }
}
