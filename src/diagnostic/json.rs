//! Diagnostics as JSON, for programs.

use std::path::PathBuf;

use serde::Serialize;

use super::{Diagnostic, Extent, Place, Severity};
use crate::source::{Origin, Source, Span};

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

impl Diagnostic {
    /// The diagnostic that [`Self::to_json_value`] made the object of: of the text that it is about, only the name and the
    /// place are known. Nothing, if it is no such object.
    pub fn from_json_value(value: &serde_json::Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
        let number = |key: &str| u32::try_from(value.get(key)?.as_u64()?).ok();
        let file = text("file").map(PathBuf::from);
        let place = match (text("environment"), &file) {
            (None, None) => Place::Nowhere,
            (None, Some(path)) => {
                let name = path.display().to_string();
                Place::In(Source::new(name, file, ""))
            }
            (Some(environment), _) => {
                let span = Span {
                    line: number("line").unwrap_or_default(),
                    column: number("column").unwrap_or_default(),
                    ..Span::default()
                };
                Place::At(Origin::new(&Source::new(environment, file, ""), span))
            }
        };
        let severities = [Severity::Error, Severity::Warning];
        let severity = text("severity")?;
        Some(Self {
            severity: severities.into_iter().find(|it| it.name() == severity)?,
            message: text("message")?.to_owned(),
            place,
            path: text("path").unwrap_or_default().to_owned(),
            hint: text("hint").map(str::to_owned),
            extent: Extent::Place,
        })
    }
}

/// Why no diagnostic is refused.
const WRITABLE: &str = "texts and numbers can always be written as JSON";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_can_be_told_again() {
        let source = Source::new("app", Some("a/app.yaml".into()), "values: 1");
        let span = Span {
            line: 3,
            column: 5,
            ..Span::default()
        };
        for diagnostic in [
            Diagnostic::error(&source, span, "values.a", "broken").with_hint("mend it"),
            Diagnostic::warning(&Source::new("b", None, ""), span, "", "odd"),
            Diagnostic::error_in(&source, "unreadable"),
            Diagnostic::error_nowhere("lost"),
            Diagnostic::warning_nowhere("odd"),
        ] {
            let again = Diagnostic::from_json_value(&diagnostic.to_json_value());
            assert_eq!(again.map(|it| it.to_json()), Some(diagnostic.to_json()));
        }
        for other in ["null", "{}", r#"{"severity": "none", "message": "x"}"#] {
            let other = serde_json::from_str(other).expect("JSON");
            assert!(Diagnostic::from_json_value(&other).is_none());
        }
    }
}
