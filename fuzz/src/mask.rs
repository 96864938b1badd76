//! Whatever comes through a redactor in whatever pieces, no secret is left in it, and nothing without one is changed.

use std::sync::Arc;

use escrun::run::mask::{Matcher, Redactor, SHORTEST};
use escrun::secret::REDACTED;

/// Takes lines: the first has the sizes of the pieces, then come secrets until an empty line, then what passes.
pub fn check(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let sizes = lines.next().unwrap_or_default();
    let secrets: Vec<&[u8]> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let text = lines.collect::<Vec<_>>().join(&b'\n');
    let matcher = Arc::new(Matcher::new(&secrets));
    let at_once = redact(&matcher, &text, &[]);
    assert_eq!(
        at_once,
        redact(&matcher, &text, sizes),
        "pieces make a difference"
    );
    let hides = |secret: &&[u8]| secret.trim_ascii().len() >= SHORTEST;
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let outside = split(&at_once);
    for secret in secrets.iter().copied().filter(hides) {
        assert!(
            !outside.iter().any(|part| has(part, secret)),
            "a secret is seen"
        );
    }
    // Between marks, all is as it came, in its order.
    let mut rest = &text[..];
    for part in outside {
        let at = (0..=rest.len()).find(|at| rest[*at..].starts_with(part));
        rest = &rest[at.expect("a part of what came") + part.len()..];
    }
}

fn redact(matcher: &Arc<Matcher>, text: &[u8], sizes: &[u8]) -> Vec<u8> {
    let mut redactor = Redactor::new(Arc::clone(matcher));
    let mut out = Vec::new();
    let mut rest = text;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let room = redactor.room();
        let size = sizes
            .next()
            .map_or(room.len(), |size| usize::from(*size).max(1));
        let (piece, behind) = rest.split_at(size.min(rest.len()).min(room.len()));
        room[..piece.len()].copy_from_slice(piece);
        out.extend(redactor.advance(piece.len()).flatten());
        rest = behind;
    }
    out.extend(redactor.finish().flatten());
    out
}

/// What stands between the marks.
fn split(text: &[u8]) -> Vec<&[u8]> {
    let mark = REDACTED.as_bytes();
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
        parts.push(&rest[..at]);
        rest = &rest[at + mark.len()..];
    }
    parts.push(rest);
    parts
}
