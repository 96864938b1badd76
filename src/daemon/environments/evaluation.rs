//! One evaluation: from a closure and what was asked to an answer. Runs on a private stack.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::answer::{self, Answer, Form};
use super::cache::{Key, Outcome};
use super::evaluators::Place;
use super::{Closure, Rights, failure};
use crate::ast;
use crate::daemon::keys::{LOCKED, LOCKED_HINT, VaultDecrypter};
use crate::diagnostic::{self, Diagnostic, any_error};
use crate::encode::Redaction;
use crate::eval::{Mode, Selection};
use crate::export::{self, Export};
use crate::lint;
use crate::open::{self, Invalid, Opened};
use crate::protocol::{Code, ErrorAnswer, ExportCall, OpenCall, View};
use crate::provider::Provided;
use crate::syntax::path;
use crate::sys::fs::describe;
use crate::sys::stack::on_private_stack;
use crate::value::Value;

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
    pub(super) decrypter: &'a VaultDecrypter,
    pub(super) rights: &'a Rights,
    /// Left to others while providers are waited for.
    pub(super) place: &'a Place<'a>,
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
    /// Evaluates on a private stack. Says as well what providers had a part in it.
    pub(super) fn on_private_stack(&self) -> (Outcome, Provided) {
        let evaluated = on_private_stack(|| {
            let mut provided = Provided::default();
            let result = self.answer(&mut provided);
            (result, provided)
        });
        let (result, provided) = evaluated.unwrap_or_else(|error| {
            let failure = failure(Code::Unavailable, describe(&error));
            (Err(failure), Provided::default())
        });
        (result.map(Arc::new).map_err(Arc::new), provided)
    }

    fn answer(&self, provided: &mut Provided) -> Result<Answer, ErrorAnswer> {
        let mode = match self.purpose {
            Purpose::Open if !self.call.symbolic => Mode::Eval,
            _ => Mode::Check,
        };
        let mut options = self.options()?;
        options.symbolic = mode == Mode::Check;
        let overrides = open::overrides("set", pairs(&self.call.set)).map_err(bad)?;
        let context = open::context("context", pairs(&self.call.context)).map_err(bad)?;
        let names = self.closure.names().cloned().collect();
        let Opened {
            evaluated,
            provided: asked,
        } = open::evaluate(open::Request {
            mode,
            loader: self.closure,
            decrypter: self.decrypter,
            providers: self.rights.provider_config(),
            context,
            selection: &Selection::Named(names),
            overrides: overrides.as_ref(),
            wait: &|settle| self.place.leave(settle),
        });
        *provided = asked;
        let is_locked = || self.decrypter.was_locked();
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
    fn values(&self, merged: &Value, diagnostics: &[Diagnostic]) -> Result<Answer, ErrorAnswer> {
        // Who asks for one value may have no right to know what is said of others.
        let (key, value, diagnostics) = match &self.call.path {
            None => ("values", merged, diagnostics),
            Some(text) => {
                let steps = path::parse(text).map_err(|error| {
                    failure(Code::BadRequest, format!("invalid property path: {error}"))
                })?;
                // Which keys stand beside may be nothing for who asks.
                let value = open::value_at(merged, &steps).map_err(|_| {
                    let path = path::render(&steps);
                    failure(Code::NotFound, format!("there is no value at {path}"))
                })?;
                ("value", value, &[][..])
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
        let sources = self
            .closure
            .names()
            .filter_map(|name| self.closure.source(name));
        let parsed = sources.map(ast::parse);
        let definitions = parsed.filter_map(|parsed| parsed.definition);
        definitions
            .flat_map(|definition| lint::plain_secrets(&definition))
            .collect()
    }
}

fn pairs(map: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    map.iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
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
    let mut answer = failure(Code::Locked, LOCKED);
    answer.error.hint = Some(LOCKED_HINT.to_owned());
    answer
}

fn bad(invalid: Invalid) -> ErrorAnswer {
    failure(Code::BadRequest, invalid.0)
}

fn unwritable(error: crate::encode::Error) -> ErrorAnswer {
    failure(
        Code::Faulty,
        format!("the answer cannot be made: the {error}"),
    )
}
