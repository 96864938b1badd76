//! Diagnostics as JSON, for programs.

use serde::Serialize;

use super::{Diagnostic, Place};
use crate::source::Origin;

/// A diagnostic as an object of JSON.
#[derive(Serialize)]
struct Line<'a> {
    severity: &'a str,
    message: &'a str,
    environment: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    path: &'a str,
    file: Option<String>,
    hint: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Self {
        let (origin, source) = match &diagnostic.place {
            Place::Nowhere => (None, None),
            Place::In(source) => (None, Some(source)),
            Place::At(origin) => (Some(origin), Some(&origin.source)),
        };
        Self {
            severity: diagnostic.severity.name(),
            message: &diagnostic.message,
            environment: origin.map(|Origin { source, .. }| &**source.name()),
            line: origin.map(|origin| origin.span.line),
            column: origin.map(|origin| origin.span.column),
            path: &diagnostic.path,
            file: source.and_then(|source| Some(source.file()?.display().to_string())),
            hint: diagnostic.hint.as_deref(),
        }
    }
}

impl Diagnostic {
    /// The diagnostic as one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Line::of(self)).expect(WRITABLE)
    }

    /// The same as a value, to be put into something else.
    pub fn to_json_value(&self) -> serde_json::Value {
        serde_json::to_value(Line::of(self)).expect(WRITABLE)
    }
}

/// Why no diagnostic is refused.
const WRITABLE: &str = "texts and numbers can always be written as JSON";
