//! Events of the YAML parser to nodes.

use std::sync::Arc;

use super::Node;
use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// Parses the first document of a source. There is no node where the text is empty or a fault left nothing usable.
pub fn parse(_source: &Arc<Source>) -> (Option<Node>, Vec<Diagnostic>) {
    (None, Vec::new())
}
