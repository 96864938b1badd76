//! Diagnostics as text for people, with the place cited.

use std::fmt::Write as _;
use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use crate::ast;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::lint;
use crate::quote::is_printable;
use crate::secret::REDACTED;
use crate::source::{Origin, Source};

/// A diagnostic for people: one line and its hint, and on a terminal the cited line. The fault keeps as many `more`
/// secrets from being decrypted.
pub(super) fn plain(diagnostic: &Diagnostic, more: usize, excerpt: bool, color: bool) -> String {
    let style = Style { color };
    let severity = diagnostic.severity;
    let (origin, source) = place(diagnostic);
    let place = match (origin, source) {
        (Some(Origin { source, span }), _) if span.line > 0 => {
            format!("{}:{}:{}: ", source.display_name(), span.line, span.column)
        }
        (_, Some(source)) => format!("{}: ", source.display_name()),
        _ => String::new(),
    };
    let more = match more {
        0 => String::new(),
        1 => " (the same for 1 more secret)".to_owned(),
        more => format!(" (the same for {more} more secrets)"),
    };
    let mut text = format!(
        "{}{} {}{more}",
        sanitized(&place),
        style.severity(severity),
        style.bold(&sanitized(&diagnostic.message))
    );
    if let Some(citation) = origin
        .filter(|_| excerpt)
        .and_then(|origin| cite(origin, style, severity))
    {
        text += &citation;
    }
    if let Some(hint) = &diagnostic.hint {
        let _ = write!(text, "\n  {} {}", style.cyan("hint:"), sanitized(hint));
    }
    text
}

fn place(diagnostic: &Diagnostic) -> (Option<&Origin>, Option<&Source>) {
    match &diagnostic.place {
        Place::Nowhere => (None, None),
        Place::In(source) => (None, Some(source)),
        Place::At(origin) => (Some(origin), Some(&origin.source)),
    }
}

/// The line that an origin stands in, with its place underlined. What is or may be a secret is masked; text that is
/// no definition is not cited, since nobody knows what in it is secret.
fn cite(origin: &Origin, style: Style, severity: Severity) -> Option<String> {
    let Origin { source, span } = origin;
    // A daemon tells of texts that are not here.
    if span.line == 0 || source.text().is_empty() {
        return None;
    }
    let parsed = ast::parse(source);
    let definition = parsed.definition.as_ref()?;
    let text = source.text();
    let start = text
        .get(..span.start as usize)?
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let length = text[start..].find('\n').unwrap_or(text.len() - start);
    let line = start..start + length;

    let mut masked: Vec<Range<usize>> = lint::sensitive_spans(definition)
        .map(|span| span.range())
        .collect();
    masked.sort_by_key(|mask| (mask.start, mask.end));
    let before = masked_text(text, start..span.start as usize, &masked);
    let end = (span.end as usize).clamp(span.start as usize, line.end);
    let marked = masked_text(text, span.start as usize..end, &masked);
    let after = masked_text(text, end..line.end, &masked);

    let number = span.line.to_string();
    let margin = " ".repeat(number.len());
    let carets = "^".repeat(marked.width().max(1));
    Some(format!(
        "\n{bar}\n{line} {before}{marked}{after}\n{bar} {indent}{carets}",
        bar = style.cyan(&format!(" {margin} |")),
        line = style.cyan(&format!(" {number} |")),
        after = after.trim_end(),
        indent = " ".repeat(before.width()),
        carets = style.severity_color(severity, &carets),
    ))
}

/// A piece of a text in which masked ranges are replaced. These are sorted, and may overlap.
fn masked_text(text: &str, piece: Range<usize>, masked: &[Range<usize>]) -> String {
    let mut shown = String::new();
    let mut at = piece.start;
    for mask in masked
        .iter()
        .filter(|mask| mask.start < piece.end && mask.end > piece.start)
    {
        shown += text.get(at..mask.start.max(at)).unwrap_or_default();
        // What began before is shown as hidden already.
        if mask.start >= at {
            shown += REDACTED;
        }
        at = at.max(mask.end.min(piece.end));
    }
    shown += text.get(at..piece.end.max(at)).unwrap_or_default();
    sanitized(&shown)
}

/// A text without characters that a terminal would obey.
pub(super) fn sanitized(text: &str) -> String {
    let harmless = |c: char| {
        if is_printable(c) {
            c
        } else if c == '\t' {
            ' '
        } else {
            '\u{fffd}'
        }
    };
    text.chars().map(harmless).collect()
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Style {
    color: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    fn severity(self, severity: Severity) -> String {
        self.severity_color(severity, &format!("{}:", severity.name()))
    }

    fn severity_color(self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Error => self.paint("1;31", text),
            Severity::Warning => self.paint("1;33", text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_pieces_show_nothing_of_what_is_masked() {
        let text = "a: one, b: two, c: three";
        let masked = [3..6, 4..6, 11..14, 11..24];
        for (piece, expected) in [
            (0..24, "a: [secret], b: [secret]"),
            (0..11, "a: [secret], b: "),
            (4..8, ", "),
            (5..16, ", b: [secret]"),
            (0..0, ""),
        ] {
            assert_eq!(
                masked_text(text, piece.clone(), &masked),
                expected,
                "{piece:?}"
            );
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_printed() {
        assert_eq!(
            sanitized("a\x1b[31m\tb\u{202e}\u{9b}"),
            "a\u{fffd}[31m b\u{fffd}\u{fffd}"
        );
    }
}
