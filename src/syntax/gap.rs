//! Walks over what stands between the parser's events and is none itself: blanks, comments, indicators, properties.
//!
//! The parser's own positions are not enough: a quoted scalar's end swallows a trailing comment, a block scalar starts
//! at its content, an empty scalar lies nowhere in particular.

/// The first byte from `at` on that is neither white space nor in a comment.
pub(super) fn skip_gap(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'#' => at = line_end(text, at),
            0xef if text[at..].starts_with('\u{feff}') => at += '\u{feff}'.len_utf8(),
            _ => break,
        }
    }
    at
}

/// Whether the indicator `mark` stands at `at`: followed by white space or the end.
pub(super) fn is_indicator(text: &str, at: usize, mark: u8) -> bool {
    let bytes = text.as_bytes();
    bytes.get(at) == Some(&mark)
        && matches!(bytes.get(at + 1), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
}

/// The end of the line that `at` lies in, before its break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text.as_bytes()[at..]
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .map_or(text.len(), |length| at + length)
}

/// The start of the line that `at` lies in.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.as_bytes()[..at]
        .iter()
        .rposition(|byte| matches!(byte, b'\n' | b'\r'))
        .map_or(0, |before| before + 1)
}

/// Skips the line break at `at`, if there is one.
pub(super) fn skip_break(text: &str, at: usize) -> usize {
    match &text.as_bytes()[at..] {
        [b'\r', b'\n', ..] => at + 2,
        [b'\r' | b'\n', ..] => at + 1,
        _ => at,
    }
}

/// Where the tag and the anchor that start at `at` end, and where what they belong to starts.
pub(super) fn skip_properties(text: &str, at: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let (mut end, mut next) = (at, at);
    while let Some(b'!' | b'&') = bytes.get(next) {
        let rest = &text[next..];
        let length = match rest.starts_with("!<") {
            true => rest.find('>').map(|length| length + 1),
            false => rest.find([' ', '\t', '\n', '\r', ',', '[', ']', '{', '}']),
        };
        end = length.map_or(text.len(), |length| next + length);
        next = skip_gap(text, end);
    }
    (end, next)
}

/// The end of the quoted scalar whose opening quote is at `start`.
pub(super) fn quoted_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let Some(&quote) = bytes.get(start) else {
        return start;
    };
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' && quote == b'"' {
            at += 2;
        } else if byte != quote {
            at += 1;
        } else if quote == b'\'' && bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    text.len()
}

/// The end of the block scalar whose header is at `header` and that the parser stopped reading at `stop`: the end of
/// its last line, before the break. `value` is what it resolves to.
///
/// Lines of blanks behind the last line belong to it only if its header says `+`.
pub(super) fn block_end(text: &str, header: usize, stop: usize, value: &str) -> usize {
    let indicators = text[header + 1..]
        .bytes()
        .take_while(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9'))
        .count();
    let header_end = header + 1 + indicators;
    let body = skip_break(text, line_end(text, header_end));
    if stop <= body {
        return header_end;
    }
    if text[header..header_end].contains('+') {
        return keep_end(text, header_end, body, stop);
    }
    let indent = block_indent(text, body, value);
    let mut end = stop;
    while end > body {
        let start = line_start(text, end).max(body);
        let line = &text[start..end];
        let blank = line.bytes().all(|byte| byte == b' ');
        if !blank || indent.is_some_and(|indent| line.len() > indent) {
            return end;
        }
        end = before_break(text, start);
    }
    header_end
}

/// The text of a block scalar without the line break that the parser adds where the document ends without one; libyaml
/// adds none. Its header is at `header`, the parser stopped reading it at `stop`.
pub(super) fn trim_at_end<'v>(text: &str, header: usize, stop: usize, value: &'v str) -> &'v str {
    let body = skip_break(text, line_end(text, header));
    let last = text.len() - line_start(text, text.len());
    let strips = text[header..line_end(text, header)]
        .split([' ', '\t'])
        .next()
        .is_some_and(|header| header.contains('-'));
    let added = match block_indent(text, body.min(stop), value) {
        Some(indent) => last >= indent.max(1),
        None => last > 0 && line_start(text, text.len()) == body,
    };
    match value.strip_suffix('\n') {
        Some(trimmed) if stop == text.len() && added && !strips => trimmed,
        _ => value,
    }
}

/// The end of a block scalar that keeps its last lines, though they may be blank.
fn keep_end(text: &str, header_end: usize, body: usize, stop: usize) -> usize {
    let last = line_start(text, stop).max(body);
    let partial = &text[last..stop];
    if !partial.bytes().all(|byte| byte == b' ') || (stop == text.len() && !partial.is_empty()) {
        return stop;
    }
    if last == body {
        header_end
    } else {
        before_break(text, last)
    }
}

/// How far the lines of a block scalar are indented; nothing if it has none. Its body starts at `body`.
fn block_indent(text: &str, body: usize, value: &str) -> Option<usize> {
    let content = value.trim_start_matches('\n');
    if content.is_empty() {
        return None;
    }
    let mut at = body;
    for _ in 0..value.len() - content.len() {
        at = skip_break(text, line_end(text, at));
    }
    let spaces = |text: &str| text.bytes().take_while(|&byte| byte == b' ').count();
    Some(spaces(&text[at..]).saturating_sub(spaces(content)))
}

/// The end of the line before the one that starts at `start`.
pub(super) fn before_break(text: &str, start: usize) -> usize {
    if text[..start].ends_with("\r\n") {
        start - 2
    } else {
        start - 1
    }
}
