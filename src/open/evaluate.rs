//! Evaluates what was selected, by the providers that a configuration allows.

use std::rc::Rc;

use crate::ast::Parsed;
use crate::diagnostic;
use crate::eval::{self, Decrypter, Evaluated, Host, Loader, Mode, Selection};
use crate::provider::{self, Provided, ProviderSet};
use crate::value::Object;

/// What is to be evaluated, and by what.
pub struct Request<'a> {
    /// How far to go.
    pub mode: Mode,
    /// Where definitions come from.
    pub loader: &'a dyn Loader,
    /// What opens ciphertexts.
    pub decrypter: &'a dyn Decrypter,
    /// What providers may see and do.
    pub providers: provider::Config,
    /// What `${context}` holds besides the names of the environments.
    pub context: Object,
    /// What is meant.
    pub selection: &'a Selection,
    /// What goes over all of it.
    pub overrides: Option<&'a Rc<Parsed>>,
}

/// What came of it.
pub struct Opened {
    /// The values, and every fault.
    pub evaluated: Evaluated,
    /// What providers had a part in it.
    pub provided: Provided,
}

/// Evaluates. Takes as long as the providers do.
pub fn evaluate(request: Request<'_>) -> Opened {
    let providers = ProviderSet::new(request.providers);
    let host = Host {
        mode: request.mode,
        loader: request.loader,
        decrypter: request.decrypter,
        providers: &providers,
        context: request.context,
    };
    let mut evaluated = eval::evaluate(&host, request.selection, request.overrides);
    // What two of the environments share tells its faults for each.
    if evaluated.environments.len() > 1 {
        diagnostic::deduplicate(&mut evaluated.diagnostics);
    }
    Opened {
        evaluated,
        provided: providers.provided(),
    }
}
