//! Environments: loaded once per revision, decided as a whole, evaluated once for all who ask the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::eval::Loaded;
use crate::secret::Secret;

/// Environments that were named, all that these import or refer to, and the very texts of it: what is decided is what is
/// evaluated.
pub struct Closure {
    /// The environments that were named, each with all that it reaches.
    pub roots: Vec<(Arc<str>, BTreeSet<Arc<str>>)>,
    /// Every definition by the name of its environment; none where there is no such environment.
    pub definitions: BTreeMap<Arc<str>, Option<Loaded>>,
    /// A digest of all of it, in hexadecimal digits: the revision that peers are told.
    pub revision: Arc<str>,
}

/// What is given for a request.
pub struct Answer {
    /// The whole body, in locked memory.
    pub body: Secret,
    /// The names of the variables and files in it, sorted.
    pub names: Vec<Arc<str>>,
    /// The revision that it is of.
    pub revision: Arc<str>,
}
