//! The top level of a document: description, imports, values, encryption.

use std::collections::HashSet;
use std::sync::Arc;

use super::expression::Builder;
use super::{Definition, Encryption, Import, PathId, Property};
use crate::diagnostic::{Diagnostic, any_error};
use crate::quote::quoted;
use crate::source::{Source, Span};
use crate::suggest::edit_distance;
use crate::syntax::path::Step;
use crate::syntax::{self, Entry, Node, NodeKind};

/// A definition with the faults that were found while reading it.
pub struct Parsed {
    /// The definition; absent where the text is no YAML that can be used at all.
    pub definition: Option<Definition>,
    /// The faults, in document order.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether an environment that imports this one must do without it.
    pub fn has_errors(&self) -> bool {
        any_error(&self.diagnostics)
    }
}

/// Reads a definition. All faults are told, and what can be used is there in spite of them.
pub fn parse(source: &Arc<Source>) -> Parsed {
    let (node, diagnostics) = syntax::parse(source);
    if any_error(&diagnostics) {
        return Parsed {
            definition: None,
            diagnostics,
        };
    }
    let mut parsed = match node {
        Some(node) if !matches!(node.kind, NodeKind::Null) => parse_node(source, &node),
        // Only a file without a single byte is an empty definition.
        _ if source.text().is_empty() => Parsed {
            definition: Some(Builder::new(source).finish().0),
            diagnostics: Vec::new(),
        },
        _ => Parsed {
            definition: None,
            diagnostics: vec![
                Diagnostic::error_in(source, "environment must be an object")
                    .with_hint("a definition has the keys imports and values"),
            ],
        },
    };
    parsed.diagnostics.splice(0..0, diagnostics);
    parsed
}

/// Reads a definition that is a part of some other document.
pub fn parse_node(source: &Arc<Source>, node: &Node) -> Parsed {
    let mut builder = Builder::new(source);
    let NodeKind::Map { entries, .. } = &node.kind else {
        let diagnostic = Diagnostic::error(source, node.span, "", "environment must be an object");
        return Parsed {
            definition: None,
            diagnostics: vec![diagnostic],
        };
    };
    let mut top = TopLevel::default();
    let mut seen = HashSet::new();
    for entry in entries {
        let is_duplicate = !seen.insert(&*entry.key);
        builder.top_level_entry(entry, is_duplicate, &mut top);
    }
    let (mut definition, diagnostics) = builder.finish();
    definition.imports = top.imports;
    definition.values = top.values;
    definition.encryption = top.encryption;
    Parsed {
        definition: Some(definition),
        diagnostics,
    }
}

/// What the entries of the top level give; of several with the same key the last one counts.
#[derive(Default)]
struct TopLevel {
    imports: Vec<Import>,
    values: Box<[Property]>,
    encryption: Option<Encryption>,
}

impl Builder {
    fn top_level_entry(&mut self, entry: &Entry, is_duplicate: bool, top: &mut TopLevel) {
        let path = self
            .paths
            .push(None, Step::key(&*entry.key.to_ascii_lowercase()));
        if is_duplicate {
            self.duplicate(entry, path);
        }
        match entry.key.to_ascii_lowercase().as_str() {
            "description" => {
                if self.literal(&entry.value).is_none() {
                    self.error(entry.value.span, path, "description must be a string");
                }
            }
            "imports" => top.imports = self.imports(&entry.value, path),
            "values" => {
                // An earlier `values` counts no longer, and neither does what was to be told of it.
                self.deferred.clear();
                self.plaintext_secrets.clear();
                top.values = self.values(&entry.value, path);
            }
            "encryption" => top.encryption = Some(self.encryption(&entry.value, path)),
            _ => {
                self.warning(entry.key_span, path, unknown_field(&entry.key));
                if let (true, Some(diagnostic)) = (
                    BELOW_VALUES.contains(&&*entry.key),
                    self.diagnostics.last_mut(),
                ) {
                    diagnostic.hint = Some(format!("{} goes below values", entry.key));
                }
            }
        }
    }

    /// Reports a key outside `values` that was there before.
    fn duplicate(&mut self, entry: &Entry, path: PathId) {
        let message = format!("duplicate key {}", quoted(&entry.key));
        self.warning(entry.key_span, path, message);
    }

    fn warning(&mut self, span: Span, path: PathId, message: String) {
        let path = self.paths.render(path);
        self.diagnostics
            .push(Diagnostic::warning(&self.source, span, path, message));
    }

    fn imports(&mut self, node: &Node, path: PathId) -> Vec<Import> {
        let NodeKind::List { items, .. } = &node.kind else {
            self.error(node.span, path, "imports must be a list");
            return Vec::new();
        };
        let items = items.iter().enumerate();
        items
            .filter_map(|(index, item)| self.import(item, index, path))
            .collect()
    }

    fn import(&mut self, node: &Node, index: usize, imports: PathId) -> Option<Import> {
        let path = self.paths.push(Some(imports), Step::Index(index));
        match &node.kind {
            NodeKind::String(name) => Some(Import {
                name: Arc::from(&*name.text),
                span: node.span,
                merge: true,
                index,
            }),
            NodeKind::Map { entries, .. } => {
                let [
                    Entry {
                        key,
                        key_span,
                        value,
                    },
                ] = entries.as_slice()
                else {
                    self.error(node.span, path, "import must have a single key");
                    return None;
                };
                let path = self.paths.push(Some(path), Step::key(&**key));
                let merge = self.import_options(value, path);
                Some(Import {
                    name: Arc::from(&**key),
                    span: *key_span,
                    merge,
                    index,
                })
            }
            _ => {
                self.error(node.span, path, "import must be a string or an object");
                None
            }
        }
    }

    /// The options behind an import's name: whether it merges.
    fn import_options(&mut self, node: &Node, path: PathId) -> bool {
        let NodeKind::Map { entries, .. } = &node.kind else {
            self.error(node.span, path, "import must be an object");
            return true;
        };
        let mut merge = true;
        let mut seen = HashSet::new();
        for entry in entries {
            let path = self
                .paths
                .push(Some(path), Step::key(&*entry.key.to_ascii_lowercase()));
            if !seen.insert(&*entry.key) {
                self.duplicate(entry, path);
            }
            if entry.key.eq_ignore_ascii_case("merge") {
                if let NodeKind::Bool(value) = entry.value.kind {
                    merge = value;
                } else {
                    self.error(entry.value.span, path, "merge must be a boolean value");
                    merge = false;
                }
            }
        }
        merge
    }

    fn values(&mut self, node: &Node, path: PathId) -> Box<[Property]> {
        let NodeKind::Map { entries, .. } = &node.kind else {
            self.error(node.span, path, "values must be an object");
            return Box::default();
        };
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries {
            if matches!(&*entry.key, "imports" | "context" | "environments") {
                let path = self.paths.push(Some(path), Step::key(&*entry.key));
                self.ignored(&entry.value, path);
                let path = self.paths.render(path);
                let message = format!("{} is a reserved key", quoted(&entry.key));
                self.deferred.push(Diagnostic::error(
                    &self.source,
                    entry.key_span,
                    path,
                    message,
                ));
                continue;
            }
            if entry.key.starts_with("fn::") {
                let path = self.paths.push(Some(path), Step::key(&*entry.key));
                let message = format!(
                    "builtin function call {} not allowed at the top level",
                    quoted(&entry.key)
                );
                self.error(entry.key_span, path, message);
            }
            kept.push((Arc::from(&*entry.key), entry));
        }
        self.properties(kept, path)
    }

    fn encryption(&mut self, node: &Node, path: PathId) -> Encryption {
        let mut encryption = Encryption::default();
        let NodeKind::Map { entries, .. } = &node.kind else {
            self.error(node.span, path, "encryption must be an object");
            return encryption;
        };
        for entry in entries {
            let path = self.paths.push(Some(path), Step::key(&*entry.key));
            let value = &entry.value;
            match &*entry.key {
                "recipients" => encryption.recipients = self.recipients(value, path),
                "header" => encryption.header = self.encryption_text("header", value, path),
                "recipientsDigest" => {
                    encryption.recipients_digest =
                        self.encryption_text("recipientsDigest", value, path);
                }
                key => {
                    let message = format!(
                        "unknown key {} in encryption, which has recipients, header and recipientsDigest",
                        quoted(key)
                    );
                    self.warning(entry.key_span, path, message);
                }
            }
        }
        encryption
    }

    fn recipients(&mut self, node: &Node, path: PathId) -> Vec<(String, Span)> {
        let NodeKind::List { items, .. } = &node.kind else {
            self.error(node.span, path, "encryption recipients must be a list");
            return Vec::new();
        };
        let mut recipients = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if let NodeKind::String(text) = &item.kind {
                recipients.push((text.text.to_string(), item.span));
            } else {
                let path = self.paths.push(Some(path), Step::Index(index));
                self.error(item.span, path, "a recipient must be a string");
            }
        }
        recipients
    }

    fn encryption_text(&mut self, key: &str, node: &Node, path: PathId) -> Option<(String, Span)> {
        match &node.kind {
            NodeKind::String(text) => Some((text.text.to_string(), node.span)),
            _ => {
                self.error(
                    node.span,
                    path,
                    format!("encryption {key} must be a string"),
                );
                None
            }
        }
    }
}

/// Keys with a meaning of their own that are easily put one level too high.
const BELOW_VALUES: [&str; 3] = ["environmentVariables", "files", "pulumiConfig"];

/// The warning for a key of the top level that is none: the known ones sorted by their likeness to it.
fn unknown_field(key: &str) -> String {
    let mut known = ["'description'", "'imports'", "'values'"];
    known.sort_by_key(|name| edit_distance(name, key));
    let known = known.join(", ");
    format!("Field '{key}' does not exist on Object 'environment'. Existing fields are: {known}")
}
