//! Where text comes from: a named source and the spans within it. Knows nothing of what the text means.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of a definition that has none (language specification, section 0).
pub const ANONYMOUS: &str = "<yaml>";

/// The text of one definition, with the environment name it was loaded under.
pub struct Source {
    name: Arc<str>,
    file: Option<PathBuf>,
    text: Box<str>,
}

impl Source {
    /// Makes a source. `file` is absent for definitions that stand in no file of their own.
    pub fn new(
        name: impl Into<Arc<str>>,
        file: Option<PathBuf>,
        text: impl Into<Box<str>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            file,
            text: text.into(),
        })
    }

    /// The environment name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The file that the text was read from, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What a person should be shown as the place: the file if there is one, else the environment name.
    pub fn display_name(&self) -> String {
        match &self.file {
            Some(file) => file.display().to_string(),
            None => self.name.to_string(),
        }
    }
}

// The text may hold plaintext secrets, so it stays out of `Debug`.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// A piece of a source. Offsets are in bytes; line and column are those of the start, counted from 1, columns in
/// code points as YAML counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset just past the last byte.
    pub end: u32,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// Column of the first byte in code points, from 1.
    pub column: u32,
}

impl Span {
    /// The bytes of the span as a range, for slicing the text.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A span together with the source that it lies in.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The text.
    pub source: Arc<Source>,
    /// The piece of it.
    pub span: Span,
}

impl Origin {
    /// An origin in `source`.
    pub fn new(source: &Arc<Source>, span: Span) -> Self {
        Self {
            source: Arc::clone(source),
            span,
        }
    }
}

/// The same place in the same text, not one that looks alike.
impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.span == other.span
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.source).hash(state);
        self.span.hash(state);
    }
}

/// Renders as `file:line`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source.display_name(), self.span.line)
    }
}
