//! Faults of definitions: what is wrong, where, and what helps. How they are printed is the command line's business.

mod json;

use std::sync::Arc;

use crate::source::{Origin, Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is started.
    Error,
    /// Everything goes on.
    Warning,
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// How far a fault reaches. What mends it at one place mends it at all places within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// No further than its place.
    Place,
    /// Wherever else it shows in the definition.
    Definition,
    /// Wherever else it shows in the run.
    Run,
}

/// How exactly the place is known.
#[derive(Clone, Debug)]
pub enum Place {
    /// Not at all: the fault is in no text.
    Nowhere,
    /// Somewhere in a source.
    In(Arc<Source>),
    /// Exactly here.
    At(Origin),
}

/// One fault. Its texts never hold a secret.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: one line, lower case, no full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// The document path (`values.a[0]`), empty where there is none.
    pub path: String,
    /// What helps.
    pub hint: Option<String>,
    /// How far it reaches.
    pub extent: Extent,
}

impl Diagnostic {
    /// An error at a span of a source.
    pub fn error(
        source: &Arc<Source>,
        span: Span,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let place = Place::At(Origin::new(source, span));
        Self {
            path: path.into(),
            ..Self::error_without_path(place, message.into())
        }
    }

    /// A warning at a span of a source.
    pub fn warning(
        source: &Arc<Source>,
        span: Span,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(source, span, path, message)
        }
    }

    /// An error about a source as a whole.
    pub fn error_in(source: &Arc<Source>, message: impl Into<String>) -> Self {
        Self::error_without_path(Place::In(Arc::clone(source)), message.into())
    }

    /// An error that lies in no text.
    pub fn error_nowhere(message: impl Into<String>) -> Self {
        Self::error_without_path(Place::Nowhere, message.into())
    }

    fn error_without_path(place: Place, message: String) -> Self {
        Self {
            severity: Severity::Error,
            message,
            place,
            path: String::new(),
            hint: None,
            extent: Extent::Place,
        }
    }

    /// A warning that lies in no text.
    pub fn warning_nowhere(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error_nowhere(message)
        }
    }

    /// Adds what helps.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether whoever was told `other` has been told this as well: it is the same, within what that reaches.
    pub fn repeats(&self, other: &Self) -> bool {
        let source = |diagnostic: &Self| match &diagnostic.place {
            Place::Nowhere => None,
            Place::In(source) => Some(Arc::as_ptr(source)),
            Place::At(origin) => Some(Arc::as_ptr(&origin.source)),
        };
        let reached = match self.extent {
            Extent::Place => false,
            Extent::Definition => source(self) == source(other),
            Extent::Run => true,
        };
        reached
            && self.extent == other.extent
            && self.severity == other.severity
            && self.message == other.message
            && self.hint == other.hint
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Whether any of them is an error.
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}

/// Sorts for printing: those without an exact place first, by text, then by environment, line and column.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| match &d.place {
            Place::At(origin) => Some((
                Arc::clone(origin.source.name()),
                origin.span.line,
                origin.span.column,
            )),
            Place::Nowhere | Place::In(_) => None,
        };
        match (key(a), key(b)) {
            (None, None) => a.message.cmp(&b.message),
            (a, b) => a.cmp(&b),
        }
    });
}

/// Removes repetitions: the same message at the same place and path.
pub fn deduplicate(diagnostics: &mut Vec<Diagnostic>) {
    let mut seen = std::collections::HashSet::new();
    diagnostics.retain(|diagnostic| {
        let place = match &diagnostic.place {
            Place::Nowhere => None,
            Place::In(source) => Some((Arc::as_ptr(source), Span::default())),
            Place::At(origin) => Some((Arc::as_ptr(&origin.source), origin.span)),
        };
        let place =
            place.map(|(source, span)| (source, span.start, span.end, span.line, span.column));
        seen.insert((place, diagnostic.message.clone(), diagnostic.path.clone()))
    });
}
