//! What surrounds an evaluation here: definitions in memory, ciphertexts that all open to one text, and a provider that
//! answers with the same text and with what it was asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use escrun::ast::Encryption;
use escrun::diagnostic::{Diagnostic, Extent};
use escrun::encode::{self, Redaction};
use escrun::eval::{
    Call, DecryptError, Decrypter, Evaluated, Host, LoadError, Loaded, Loader, Mode, Progress,
    ProviderSchema, Providers, Selection, evaluate,
};
use escrun::schema::Schema;
use escrun::secret::Secret;
use escrun::source::Source;
use escrun::value::{Data, Member, Object, Text, Value};

/// What is secret. Nothing that a person is shown may have it.
pub const CANARY: &str = "c4n4ry-q7w9";

/// Definitions by name.
#[derive(Default)]
pub struct World {
    definitions: BTreeMap<String, Arc<Source>>,
}

impl World {
    /// A world of these definitions.
    pub fn new<'a>(definitions: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let definitions = definitions.into_iter().map(|(name, text)| {
            let source = Source::new(name, None, text);
            (name.to_owned(), source)
        });
        Self {
            definitions: definitions.collect(),
        }
    }

    /// Evaluates environments, later ones over earlier ones.
    pub fn evaluate(&self, names: &[&str], mode: Mode) -> Evaluated {
        let host = Host {
            mode,
            loader: self,
            decrypter: &Opener,
            providers: &Echo,
            context: Object::new(BTreeMap::new()),
        };
        let names = names.iter().map(|name| Arc::from(*name)).collect();
        evaluate(&host, &Selection::Named(names), None)
    }
}

impl Loader for World {
    fn load(&self, name: &str) -> Result<Loaded, LoadError> {
        match self.definitions.get(name) {
            Some(definition) => Ok(Loaded {
                definition: Arc::clone(definition),
                local: None,
            }),
            None => Err(LoadError {
                message: format!("there is no environment {name:?}"),
                hint: None,
            }),
        }
    }
}

/// Opens every ciphertext that is not empty.
struct Opener;

impl Decrypter for Opener {
    fn validate(&self, _: Option<&Encryption>, ciphertext: &str) -> Result<(), String> {
        match ciphertext {
            "" => Err("it is empty".to_owned()),
            _ => Ok(()),
        }
    }

    fn decrypt(&self, _: Option<&Encryption>, ciphertext: &str) -> Result<Secret, DecryptError> {
        match ciphertext {
            "" => Err(DecryptError {
                message: "it is empty".to_owned(),
                hint: None,
                extent: Extent::Place,
            }),
            _ => Ok(Secret::from_parts(&[CANARY.as_bytes()])),
        }
    }

    fn decrypt_file(&self, _: &[u8]) -> Result<Secret, DecryptError> {
        Ok(Secret::from_parts(&[CANARY.as_bytes()]))
    }
}

/// Answers `{asked: INPUTS, secret: CANARY}`.
struct Echo;

impl Providers for Echo {
    fn schema(&self, _: &str) -> Progress<ProviderSchema> {
        Progress::Done(Ok(ProviderSchema {
            inputs: Schema::always(),
            outputs: Schema::always(),
            state: None,
        }))
    }

    fn open(&self, call: &Call<'_>) -> Progress<Value> {
        let canary = Text::secret(Secret::from_parts(&[CANARY.as_bytes()]));
        let secret = Value::new(Data::String(canary), call.origin.clone()).into_secret();
        let asked = call.inputs.relocated(call.origin.clone());
        let members = [("asked", asked), ("secret", secret)].map(|(key, value)| {
            let member = Member {
                value,
                outside: true,
            };
            (Arc::from(key), member)
        });
        let answer = Object::new(members.into_iter().collect());
        Progress::Done(Ok(Value::new(
            Data::Object(Arc::new(answer)),
            call.origin.clone(),
        )))
    }

    fn settle(&self) -> bool {
        false
    }
}

/// All that a person is shown of an evaluation without `--reveal`.
pub fn shown(evaluated: &Evaluated) -> String {
    let mut shown = told(&evaluated.diagnostics);
    let values = evaluated.environments.iter().map(|(_, value)| value);
    for value in values.chain([&evaluated.merged]) {
        let texts = [
            encode::json(value, Redaction::Redact),
            encode::yaml(value, Redaction::Redact),
            encode::text(value, Redaction::Redact),
        ];
        for text in texts {
            match text {
                Ok(encoded) => shown += &String::from_utf8_lossy(encoded.text.bytes()),
                Err(error) => shown += &error.to_string(),
            }
            shown.push('\n');
        }
    }
    shown
}

/// Diagnostics as text.
pub fn told(diagnostics: &[Diagnostic]) -> String {
    let mut told = String::new();
    for diagnostic in diagnostics {
        told += &format!("{}: {}\n", diagnostic.path, diagnostic.message);
        if let Some(hint) = &diagnostic.hint {
            told += &format!("hint: {hint}\n");
        }
    }
    told
}
