//! Evaluates what was selected, by the providers that a configuration allows.

use std::rc::Rc;

use crate::ast::Parsed;
use crate::diagnostic;
use crate::eval::{
    self, Call, Decrypter, Evaluated, Host, Loader, Mode, Progress, ProviderSchema, Providers,
    Selection,
};
use crate::provider::{self, Provided, ProviderSet};
use crate::value::{Object, Value};

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
    /// Calls what waits for providers, for who has something else done meanwhile.
    pub wait: &'a dyn Fn(&mut dyn FnMut()),
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
    let waiting = Waiting {
        providers: &providers,
        wait: request.wait,
    };
    let host = Host {
        mode: request.mode,
        loader: request.loader,
        decrypter: request.decrypter,
        providers: &waiting,
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

/// Providers that are waited for in the way of who asks.
struct Waiting<'a> {
    providers: &'a ProviderSet,
    wait: &'a dyn Fn(&mut dyn FnMut()),
}

impl Providers for Waiting<'_> {
    fn schema(&self, provider: &str) -> Progress<ProviderSchema> {
        self.providers.schema(provider)
    }

    fn open(&self, call: &Call<'_>) -> Progress<Value> {
        self.providers.open(call)
    }

    fn settle(&self) -> bool {
        if self.providers.is_pending() {
            (self.wait)(&mut || {
                self.providers.wait();
            });
        }
        self.providers.settle()
    }
}
