//! One evaluation: from a closure and what was asked to an answer. Runs on a private stack.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

use super::answer::{self, Answer, Form};
use super::cache::Key;
use super::{Closure, Rights, failure};
use crate::ast::{self, Encryption};
use crate::diagnostic::{self, Diagnostic, any_error};
use crate::encode::Redaction;
use crate::eval::{DecryptError, Decrypter, Mode, Selection};
use crate::export::{self, Export};
use crate::lint;
use crate::open::{self, Invalid, Opened};
use crate::protocol::{Code, ErrorAnswer, ExportCall, OpenCall, View};
use crate::provider::Provided;
use crate::secret::Secret;
use crate::syntax::path;

/// What is asked of a closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What is in it.
    Open,
    /// What is wrong with it.
    Check,
}

/// Everything that an evaluation works on.
pub(super) struct Evaluation<'a> {
    pub(super) purpose: Purpose,
    pub(super) closure: &'a Closure,
    pub(super) call: &'a OpenCall,
    pub(super) decrypter: &'a dyn Decrypter,
    pub(super) rights: &'a Rights,
    /// Calls what waits for providers.
    pub(super) wait: &'a dyn Fn(&mut dyn FnMut()),
}

/// The digest of all that goes into an answer besides the identities.
pub(super) fn key(purpose: Purpose, closure: &Closure, call: &OpenCall) -> Key {
    let mut digest = Sha256::new();
    digest.update(b"escrun answer 1\0");
    digest.update([purpose as u8]);
    digest.update(closure.inputs());
    // All of it has one form: its maps are sorted. What it may hold of secrets is wiped when it is freed.
    let call = serde_json::to_vec(call).expect("texts and lists can always be written as JSON");
    digest.update(call);
    digest.finalize().into()
}

impl Evaluation<'_> {
    /// Evaluates. Says as well what providers had a part in it.
    pub(super) fn run(&self) -> (Result<Answer, ErrorAnswer>, Provided) {
        let mut provided = Provided::default();
        let result = self.answer(&mut provided);
        (result, provided)
    }

    fn answer(&self, provided: &mut Provided) -> Result<Answer, ErrorAnswer> {
        let mode = match self.purpose {
            Purpose::Open if !self.call.symbolic => Mode::Eval,
            _ => Mode::Check,
        };
        let mut options = self.options()?;
        options.symbolic = mode == Mode::Check;
        let settings = |map| pairs(map);
        let overrides = open::overrides("set", settings(&self.call.set)).map_err(bad)?;
        let context = open::context("context", settings(&self.call.context)).map_err(bad)?;
        let names = self.closure.names().cloned().collect();
        let decrypter = Noticing::new(self.decrypter);
        let Opened {
            evaluated,
            provided: asked,
        } = open::evaluate(open::Request {
            mode,
            loader: self.closure,
            decrypter: &decrypter,
            providers: self.rights.provider_config(),
            context,
            selection: &Selection::Named(names),
            overrides: overrides.as_ref(),
            wait: self.wait,
        });
        *provided = asked;
        let is_locked = || decrypter.is_locked.load(Ordering::Relaxed);
        match (self.purpose, self.call.view) {
            (Purpose::Check, _) => {
                let mut diagnostics = open::project(evaluated, &options).diagnostics;
                diagnostics.extend(self.plain_secrets());
                diagnostic::sort(&mut diagnostics);
                diagnostic::deduplicate(&mut diagnostics);
                let is_sound = !any_error(&diagnostics);
                let revision = &self.closure.revision;
                answer::of_check(revision, is_sound, &diagnostics).map_err(unwritable)
            }
            (Purpose::Open, View::Variables) => {
                let mut projection = open::project(evaluated, &options);
                require_sound(&mut projection.diagnostics, is_locked)?;
                answer::of_variables(&self.closure.revision, &projection, self.form())
                    .map_err(unwritable)
            }
            (Purpose::Open, View::Values) => {
                let mut diagnostics = evaluated.diagnostics;
                require_sound(&mut diagnostics, is_locked)?;
                self.values(&evaluated.merged, &diagnostics)
            }
        }
    }

    /// The answer with the tree of values, or the one that was asked for.
    fn values(
        &self,
        merged: &crate::value::Value,
        diagnostics: &[Diagnostic],
    ) -> Result<Answer, ErrorAnswer> {
        let (key, value) = match &self.call.path {
            None => ("values", merged),
            Some(text) => {
                let steps = path::parse(text).map_err(|error| {
                    failure(Code::BadRequest, format!("invalid property path: {error}"))
                })?;
                // Which keys stand beside may be nothing for who asks.
                let value = open::value_at(merged, &steps).map_err(|_| {
                    let path = path::render(&steps);
                    failure(Code::NotFound, format!("there is no value at {path}"))
                })?;
                ("value", value)
            }
        };
        let secrets = match self.call.secrets {
            true => export::secrets(value),
            false => Vec::new(),
        };
        let revision = &self.closure.revision;
        answer::of_value(revision, key, value, &secrets, diagnostics, self.form())
            .map_err(unwritable)
    }

    fn form(&self) -> Form {
        Form {
            redaction: match self.call.redact {
                true => Redaction::Redact,
                false => Redaction::Reveal,
            },
            details: self.call.details,
        }
    }

    fn options(&self) -> Result<export::Options, ErrorAnswer> {
        Ok(export::Options {
            export: match self.call.export {
                None => Export::PerEnvironment,
                Some(ExportCall::All) => Export::All,
                Some(ExportCall::Declared) => Export::Declared,
            },
            only: open::globs("only", &self.call.only).map_err(bad)?,
            except: open::globs("except", &self.call.except).map_err(bad)?,
            unset: self.call.unset.clone(),
            prefix: self.call.prefix.clone(),
            symbolic: false,
            lists_secrets: self.call.secrets && !self.call.redact,
        })
    }

    /// Secrets that stand in plain text in the environments that were named.
    fn plain_secrets(&self) -> Vec<Diagnostic> {
        let sources = self.closure.names().filter_map(|name| self.closure.source(name));
        let parsed = sources.map(ast::parse);
        let definitions = parsed.filter_map(|parsed| parsed.definition);
        definitions
            .flat_map(|definition| lint::plain_secrets(&definition))
            .collect()
    }
}

fn pairs(
    map: &std::collections::BTreeMap<String, String>,
) -> impl Iterator<Item = (&str, &str)> {
    map.iter().map(|(path, text)| (path.as_str(), text.as_str()))
}

/// Refuses what has errors: whatever is faulty is given to nobody.
fn require_sound(
    diagnostics: &mut Vec<Diagnostic>,
    is_locked: impl Fn() -> bool,
) -> Result<(), ErrorAnswer> {
    diagnostic::sort(diagnostics);
    diagnostic::deduplicate(diagnostics);
    if !any_error(diagnostics) {
        return Ok(());
    }
    if is_locked() {
        return Err(locked());
    }
    let errors = diagnostics.iter().filter(|one| one.is_error()).count();
    let message = match errors {
        1 => "the definitions have an error".to_owned(),
        errors => format!("the definitions have {errors} errors"),
    };
    Err(ErrorAnswer {
        diagnostics: diagnostics.iter().map(Diagnostic::to_json_value).collect(),
        ..failure(Code::Faulty, message)
    })
}

/// That nothing can be decrypted now.
pub(super) fn locked() -> ErrorAnswer {
    let mut answer = failure(Code::Locked, "the identities are locked");
    answer.error.hint = Some("unlock them with escrun unlock".to_owned());
    answer
}

fn bad(invalid: Invalid) -> ErrorAnswer {
    failure(Code::BadRequest, invalid.0)
}

fn unwritable(error: crate::encode::Error) -> ErrorAnswer {
    failure(Code::Faulty, format!("the answer cannot be made: the {error}"))
}

/// A decrypter that notices when nothing opens because the identities are locked.
struct Noticing<'a> {
    decrypter: &'a dyn Decrypter,
    is_locked: AtomicBool,
}

impl<'a> Noticing<'a> {
    fn new(decrypter: &'a dyn Decrypter) -> Self {
        Self {
            decrypter,
            is_locked: AtomicBool::new(false),
        }
    }

    fn noticed(&self, result: Result<Secret, DecryptError>) -> Result<Secret, DecryptError> {
        if let Err(error) = &result
            && error.is_locked
        {
            self.is_locked.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Decrypter for Noticing<'_> {
    fn validate(&self, encryption: Option<&Encryption>, ciphertext: &str) -> Result<(), String> {
        self.decrypter.validate(encryption, ciphertext)
    }

    fn decrypt(
        &self,
        encryption: Option<&Encryption>,
        ciphertext: &str,
    ) -> Result<Secret, DecryptError> {
        self.noticed(self.decrypter.decrypt(encryption, ciphertext))
    }

    fn decrypt_file(&self, file: &[u8]) -> Result<Secret, DecryptError> {
        self.noticed(self.decrypter.decrypt_file(file))
    }
}
