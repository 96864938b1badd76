//! Which definitions may have had a say in what another one evaluates to.

use std::collections::HashSet;
use std::sync::Arc;

use super::environment::Pass;
use crate::source::Source;

impl Pass<'_> {
    /// Remembers that `source` has had values of the environment `name`.
    pub(super) fn note_use(&mut self, source: &Arc<Source>, name: &Arc<str>) {
        let used = self.uses.entry(Arc::as_ptr(source)).or_default();
        used.insert(Arc::clone(name));
    }

    /// The definitions that values of `source` may come from, besides itself.
    pub(super) fn influences(&self, source: &Arc<Source>) -> Vec<Arc<Source>> {
        let mut found: Vec<Arc<Source>> = Vec::new();
        let mut seen = HashSet::from([Arc::as_ptr(source)]);
        let mut left = vec![Arc::as_ptr(source)];
        while let Some(next) = left.pop() {
            for name in self.uses.get(&next).into_iter().flatten() {
                let Some(files) = self.cache.loaded(name) else {
                    continue;
                };
                for parsed in [Some(&files.definition), files.local.as_ref()]
                    .into_iter()
                    .flatten()
                {
                    if let Some(definition) = &parsed.definition
                        && seen.insert(Arc::as_ptr(&definition.source))
                    {
                        left.push(Arc::as_ptr(&definition.source));
                        found.push(Arc::clone(&definition.source));
                    }
                }
            }
        }
        found.sort_by(|a, b| a.name().cmp(b.name()));
        found
    }
}
