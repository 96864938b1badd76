//! What surrounds an evaluation in tests: providers and a cipher that need no programs and no keys.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;

use escrun::ast::{Encryption, ExprId};
use escrun::diagnostic::Extent;
use escrun::eval::{
    Call, DecryptError, Decrypter, Progress, ProviderError, ProviderSchema, Providers,
};
use escrun::schema::Schema;
use escrun::secret::Secret;
use escrun::source::Source;
use escrun::value::{Data, Value};

/// A cipher whose ciphertexts are `sealed:` and the text. `sealed:broken` does not open.
pub(crate) struct ToyCipher;

impl Decrypter for ToyCipher {
    fn validate(&self, _: Option<&Encryption>, ciphertext: &str) -> Result<(), String> {
        match ciphertext.starts_with("sealed:") {
            true => Ok(()),
            false => Err("it is not sealed".into()),
        }
    }

    fn decrypt(&self, _: Option<&Encryption>, ciphertext: &str) -> Result<Secret, DecryptError> {
        match ciphertext.strip_prefix("sealed:") {
            Some("broken") | None => Err(DecryptError {
                message: "no identity opens it".into(),
                hint: None,
                extent: Extent::Place,
            }),
            Some(text) => Ok(Secret::from_parts(&[text.as_bytes()])),
        }
    }

    fn decrypt_file(&self, _: &[u8]) -> Result<Secret, DecryptError> {
        Err(DecryptError {
            message: "there are no files".into(),
            hint: None,
            extent: Extent::Place,
        })
    }
}

/// Providers that answer in the second pass:
///
/// * `echo` gives its inputs back, `vault` does and calls them secret;
/// * `refuse` fails with what `reason` says;
/// * `database` demands a `name`, knows a `port`, and gives a `url`, `hosts` and whatever else it was given;
/// * `keeper` is a rotator with a `current` state, which it gives back.
#[derive(Default)]
pub(crate) struct RecordedProviders {
    asked: RefCell<HashSet<(*const Source, ExprId)>>,
    pending: Cell<bool>,
}

impl Providers for RecordedProviders {
    fn schema(&self, provider: &str) -> Progress<ProviderSchema> {
        let any = ProviderSchema {
            inputs: Schema::always(),
            outputs: Schema::always(),
            state: None,
        };
        let name = || ("name", Schema::string());
        Progress::Done(Ok(match provider {
            "echo" | "vault" => any,
            "refuse" => ProviderSchema {
                inputs: Schema::object([("reason", Schema::string())], &["reason"]),
                ..any
            },
            "database" => ProviderSchema {
                inputs: Schema::object([name(), ("port", Schema::number())], &["name"]),
                outputs: Schema::object(
                    [
                        ("url", Schema::string()),
                        ("hosts", Schema::tuple([Schema::string(), Schema::string()])),
                        ("limits", Schema::map_of(Schema::number())),
                    ],
                    &["url"],
                )
                .closed(),
                ..any
            },
            "keeper" => ProviderSchema {
                state: Some(Schema::object(
                    [("current", Schema::string())],
                    &["current"],
                )),
                ..any
            },
            _ => {
                return Progress::Done(Err(ProviderError {
                    message: format!("unknown provider \"{provider}\""),
                    hint: None,
                }));
            }
        }))
    }

    fn open(&self, call: &Call<'_>) -> Progress<Value> {
        let (source, id) = call.id;
        if self.asked.borrow_mut().insert((Arc::as_ptr(source), id)) {
            self.pending.set(true);
            return Progress::Pending;
        }
        let answer = call
            .state
            .unwrap_or(call.inputs)
            .relocated(call.origin.clone());
        Progress::Done(match call.provider {
            "vault" => Ok(answer.into_secret()),
            "refuse" => Err(ProviderError {
                message: reason(call.inputs),
                hint: None,
            }),
            _ => Ok(answer),
        })
    }

    fn settle(&self) -> bool {
        self.pending.take()
    }
}

fn reason(inputs: &Value) -> String {
    match inputs.member("reason").map(|reason| &reason.data) {
        Some(Data::String(text)) => String::from_utf8_lossy(text.bytes()).into_owned(),
        _ => String::new(),
    }
}
