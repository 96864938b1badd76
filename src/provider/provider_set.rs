//! All providers that an evaluation can call.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Config;
use super::builtin::{Begun, Builtin};
use super::plugin::Plugin;
use super::pool::Pool;
use super::slot::Slot;
use crate::ast::ExprId;
use crate::eval::{Call, Progress, ProviderSchema, Providers};
use crate::schema::Schema;
use crate::source::Source;
use crate::value::Value;

/// The built-in providers, and the plugins in the folders of a [`Config`]. It remembers what was answered, so each
/// evaluation has one of its own.
pub struct ProviderSet {
    config: Config,
    pool: Pool,
    schemas: Mutex<HashMap<String, Slot<ProviderSchema>>>,
    /// By the address of the source, which is its name here, and the expression.
    calls: Mutex<HashMap<(usize, ExprId), Remembered>>,
}

/// What providers had a part in an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provided {
    /// Whether any was called.
    pub asked: bool,
    /// The files that calls have named, whether they are there or not, but for those whose names are secret.
    pub files: BTreeSet<PathBuf>,
    /// How long their answers are good for, if one of them has said so.
    pub lifetime: Option<Duration>,
}

impl Provided {
    /// Notes that an answer is good for so long.
    pub(super) fn note_lifetime(&mut self, lifetime: Duration) {
        self.lifetime = Some(self.lifetime.map_or(lifetime, |least| least.min(lifetime)));
    }
}

/// The outcome of a call. The source is kept, so that its address stays its name.
struct Remembered {
    slot: Slot<Value>,
    _source: Arc<Source>,
}

impl ProviderSet {
    /// The providers of `config`.
    pub fn new(config: Config) -> Self {
        Self {
            pool: Pool::new(config.concurrency),
            config,
            schemas: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    /// What has been answered up to now.
    pub fn provided(&self) -> Provided {
        let mut provided = lock(&self.config.provided).clone();
        provided.asked = !lock(&self.calls).is_empty();
        provided
    }

    /// Whether anything has been begun that has not ended.
    pub fn is_pending(&self) -> bool {
        self.pool.is_busy()
    }

    /// Waits for all that has been begun.
    pub fn wait(&self) {
        self.pool.wait();
    }

    fn begin_schema(&self, provider: &str) -> Slot<ProviderSchema> {
        if let Some(builtin) = Builtin::named(provider) {
            return Slot::done(Ok(builtin.schema()));
        }
        match Plugin::find(provider, &self.config) {
            Ok(plugin) => Slot::fetch(&self.pool, plugin.fetch_schema(&self.config)),
            Err(error) => Slot::done(Err(error)),
        }
    }

    fn begin_call(&self, call: &Call<'_>) -> Slot<Value> {
        if let Some(builtin) = Builtin::named(call.provider) {
            return match builtin.open(call, &self.config) {
                Begun::Done(result) => Slot::done(result),
                Begun::Fetching(fetch) => Slot::fetch(&self.pool, fetch),
            };
        }
        let fetch = Plugin::find(call.provider, &self.config)
            .and_then(|plugin| plugin.fetch_value(call, self.outputs(call.provider), &self.config));
        match fetch {
            Ok(fetch) => Slot::fetch(&self.pool, fetch),
            Err(error) => Slot::done(Err(error)),
        }
    }

    /// What a plugin has said its answers to be.
    fn outputs(&self, provider: &str) -> Option<Schema> {
        match lock(&self.schemas).get(provider)?.progress() {
            Progress::Done(Ok(schema)) => Some(schema.outputs),
            _ => None,
        }
    }
}

impl Providers for ProviderSet {
    fn schema(&self, provider: &str) -> Progress<ProviderSchema> {
        if let Some(slot) = lock(&self.schemas).get(provider) {
            return slot.progress();
        }
        let slot = self.begin_schema(provider);
        let progress = slot.progress();
        lock(&self.schemas).insert(provider.to_owned(), slot);
        progress
    }

    fn open(&self, call: &Call<'_>) -> Progress<Value> {
        let (source, expression) = call.id;
        let key = (Arc::as_ptr(source).addr(), expression);
        if let Some(remembered) = lock(&self.calls).get(&key) {
            return remembered.slot.progress();
        }
        let slot = self.begin_call(call);
        let progress = slot.progress();
        let _source = Arc::clone(source);
        lock(&self.calls).insert(key, Remembered { slot, _source });
        progress
    }

    fn settle(&self) -> bool {
        self.pool.settle()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
