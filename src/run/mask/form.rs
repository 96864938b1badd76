//! The forms in which programs are likely to write a secret.

use std::iter;
use std::ops::Range;

use super::base64::{Alphabet, Encoding};
use super::escape::{Case, JsonStyle, UrlSet, UrlStyle};

/// Fewer characters of base64 than this are too common to be a secret's.
const SHORTEST_BASE64: usize = 6;

/// The lengths at which programs break base64 into lines: PEM's (RFC 7468) and MIME's (RFC 2045).
const WRAPPED_AT: [usize; 2] = [64, 76];

/// A way of writing bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Plain,
    /// With `\r\n` for each `\n`, as a terminal writes lines.
    TerminalLines,
    /// With `\n` for each `\r\n`.
    UnixLines,
    /// Two hexadecimal digits for each byte.
    Hex(Case),
    /// Escaped for a URL.
    Url(UrlStyle),
    /// Escaped for a JSON string.
    Json(JsonStyle),
    /// Some characters of their base64 text.
    Base64(Encoding, Range<usize>),
}

impl Form {
    /// All forms for `length` bytes, the likely ones first. Many of them are equal for most secrets.
    pub(super) fn all(length: usize) -> impl Iterator<Item = Self> {
        let cases = [Case::Lower, Case::Upper];
        let plain = [Self::Plain, Self::TerminalLines, Self::UnixLines];
        let alphabets = [Alphabet::Standard, Alphabet::UrlSafe];
        let encodings = alphabets
            .into_iter()
            .flat_map(|alphabet| (0..3).map(move |shift| Encoding { alphabet, shift }));
        plain
            .into_iter()
            .chain(encodings.filter_map(move |encoding| encoded(encoding, length)))
            .chain(wrapped(length))
            .chain(cases.into_iter().map(Self::Hex))
            .chain(json_styles().map(Self::Json))
            .chain(url_styles().map(Self::Url))
    }

    /// Whether the bytes stay as they are, but for the ends of lines.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain | Self::TerminalLines | Self::UnixLines)
    }

    /// `bytes` in this form.
    pub(super) fn write<'a>(&self, bytes: &'a [u8]) -> Box<dyn Iterator<Item = u8> + 'a> {
        let each = bytes.iter().copied();
        match self.clone() {
            Self::Plain => Box::new(each),
            Self::TerminalLines => Box::new(each.flat_map(|byte| {
                let line_end = (byte == b'\n').then_some(b'\r');
                line_end.into_iter().chain(iter::once(byte))
            })),
            Self::UnixLines => {
                let next = bytes.iter().skip(1).map(Some).chain(iter::once(None));
                let kept = each.zip(next).filter(|pair| *pair != (b'\r', Some(&b'\n')));
                Box::new(kept.map(|(byte, _)| byte))
            }
            Self::Hex(case) => Box::new(each.flat_map(move |byte| case.hex(byte))),
            Self::Url(style) => Box::new(each.flat_map(move |byte| style.escape(byte))),
            Self::Json(style) => Box::new(style.escape(bytes)),
            Self::Base64(encoding, range) => Box::new(encoding.characters(bytes, range)),
        }
    }

    /// At which lengths, besides its own of `written` bytes, this form is complete too, for `length` bytes: where base64
    /// goes on, its last digit may differ, and its padding may be left out.
    pub(super) fn stops(&self, length: usize, written: usize) -> impl Iterator<Item = usize> {
        let ends = match self {
            Self::Base64(encoding, range) if range.end == encoding.closed(length).1 => {
                let ends = [encoding.inner(length).end, encoding.closed(length).0];
                Some(ends.map(|end| end.saturating_sub(range.start)))
            }
            _ => None,
        };
        let [inner, closed] = ends.unwrap_or([written; 2]);
        iter::once(inner)
            .chain((closed != inner).then_some(closed))
            .filter(move |stop| (SHORTEST_BASE64..written).contains(stop))
    }
}

/// All characters of base64 that the bytes decide if nothing follows, with the padding.
fn encoded(encoding: Encoding, length: usize) -> Option<Form> {
    let start = encoding.inner(length).start;
    let (digits, end) = encoding.closed(length);
    (digits >= start + SHORTEST_BASE64).then_some(Form::Base64(encoding, start..end))
}

/// The lines of base64 that is broken into lines, if there is more than one.
fn wrapped(length: usize) -> impl Iterator<Item = Form> {
    let encoding = Encoding {
        alphabet: Alphabet::Standard,
        shift: 0,
    };
    let end = encoding.closed(length).1;
    WRAPPED_AT
        .into_iter()
        .filter(move |width| end > *width)
        .flat_map(move |width| {
            (0..end)
                .step_by(width)
                .map(move |start| start..end.min(start + width))
        })
        .filter(|line| line.len() >= SHORTEST_BASE64)
        .map(move |line| Form::Base64(encoding, line))
}

fn json_styles() -> impl Iterator<Item = JsonStyle> {
    let styles = [
        (false, Case::Lower),
        (true, Case::Lower),
        (true, Case::Upper),
    ];
    styles.into_iter().flat_map(|(ascii, case)| {
        [(false, false), (true, false), (false, true), (true, true)].map(|(slash, html)| {
            JsonStyle {
                ascii,
                slash,
                html,
                case,
            }
        })
    })
}

fn url_styles() -> impl Iterator<Item = UrlStyle> {
    let styles = [
        (UrlSet::Unreserved, false),
        (UrlSet::Unreserved, true),
        (UrlSet::Path, false),
        (UrlSet::Component, false),
        (UrlSet::Component, true),
        (UrlSet::Form, true),
    ];
    styles
        .into_iter()
        .flat_map(|(set, plus)| [Case::Upper, Case::Lower].map(|case| UrlStyle { set, plus, case }))
}
