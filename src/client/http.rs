//! One request and its answer (RFC 9112): written at once, and read into locked memory.

use std::io::{self, Read};
use std::ops::Range;

use crate::protocol::{LONGEST_ANSWER, LONGEST_HEAD};
use crate::secret::Secret;

/// How much is read at first, in bytes: the whole answer, mostly. Two pages less than a region of locked memory of its own.
const FIRST_READ: usize = 16 << 10;

/// The most header fields of an answer.
const MOST_FIELDS: usize = 32;

/// An answer, in locked memory.
pub struct Answer {
    /// Its status.
    pub status: u16,
    bytes: Secret,
    body: Range<usize>,
}

impl Answer {
    /// The body.
    pub fn body(&self) -> &[u8] {
        // A body is what an answer is for; who prints it knows what it holds.
        &self.bytes.expose()[self.body.clone()]
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The system's reason.
    Io(io::Error),
    /// It is none that can be understood.
    Unintelligible(&'static str),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A request as it is written, in locked memory: bodies may hold passphrases. Without a body nothing is said
/// of one.
pub(super) fn request(method: &str, target: &str, fields: &str, body: Option<&[u8]>) -> Secret {
    let length = match body {
        Some(body) => format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        ),
        None => String::new(),
    };
    let head = format!("{method} {target} HTTP/1.1\r\nHost: escrun\r\n{fields}{length}\r\n");
    Secret::from_parts(&[head.as_bytes(), body.unwrap_or_default()])
}

/// Reads one answer, and nothing behind it.
pub(super) fn read_answer(mut from: impl Read) -> Result<Answer, Fault> {
    let mut head = None;
    let first = Secret::try_fill(FIRST_READ, |buffer| {
        let mut length = 0;
        while length < wanted(head.as_ref()).min(buffer.len()) {
            length += read_some(&mut from, &mut buffer[length..])?;
            if head.is_none() {
                head = Head::read(&buffer[..length])?;
            }
        }
        Ok::<_, Fault>(length)
    })?;
    // More than a head is allowed to be has been read.
    let head = head.ok_or(Fault::Unintelligible("its head is too long"))?;
    let whole = head.length + head.body;
    let bytes = if first.expose().len() < whole {
        Secret::try_fill(whole, |buffer| {
            // The first part is wiped when it is dropped.
            let length = first.expose().len();
            buffer[..length].copy_from_slice(first.expose());
            let mut length = length;
            while length < buffer.len() {
                length += read_some(&mut from, &mut buffer[length..])?;
            }
            Ok::<_, Fault>(length)
        })?
    } else {
        first
    };
    if bytes.expose().len() > whole {
        return Err(Fault::Unintelligible("more follows than it has announced"));
    }
    Ok(Answer {
        status: head.status,
        bytes,
        body: head.length..whole,
    })
}

/// How much has to be read, as far as it is known.
fn wanted(head: Option<&Head>) -> usize {
    head.map_or(LONGEST_HEAD, |head| head.length + head.body)
}

/// Reads what there is, at least one byte.
fn read_some(from: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Fault> {
    loop {
        match from.read(buffer) {
            Ok(0) => return Err(Fault::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The status.
    pub(super) status: u16,
    /// How long the head itself is, in bytes.
    pub(super) length: usize,
    /// How long the body is, in bytes.
    body: usize,
}

impl Head {
    /// Reads the head that `bytes` begin with; nothing as long as it is not complete.
    fn read(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let Some((status, length, fields)) = start(bytes)? else {
            return Ok(None);
        };
        let body = fields.length.ok_or(Fault::Unintelligible(
            "it does not say how long its answer is",
        ))?;
        if body > LONGEST_ANSWER {
            return Err(Fault::Unintelligible("its answer is too long"));
        }
        Ok(Some(Self {
            status,
            length,
            body,
        }))
    }

    /// Reads the head of an answer that may go on for ever: if it is a success, it has no length.
    pub(super) fn read_endless(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let Some((status, length, fields)) = start(bytes)? else {
            return Ok(None);
        };
        if status != 200 {
            return Self::read(bytes);
        }
        if !fields.is_event_stream || fields.length.is_some() {
            return Err(Fault::Unintelligible("it does not send events"));
        }
        Ok(Some(Self {
            status,
            length,
            body: 0,
        }))
    }

    /// How long the whole answer is, in bytes.
    pub(super) fn whole(&self) -> usize {
        self.length + self.body
    }
}

/// The header fields that matter.
#[derive(Default)]
struct Fields {
    length: Option<usize>,
    is_event_stream: bool,
}

/// The status, how long the head is, and its fields; nothing as long as it is not complete.
fn start(bytes: &[u8]) -> Result<Option<(u16, usize, Fields)>, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= LONGEST_HEAD => length,
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => return Ok(None),
        Ok(_) => return Err(Fault::Unintelligible("its head is too long")),
        Err(_) => return Err(Fault::Unintelligible("it does not speak HTTP")),
    };
    let status = response.code.unwrap_or_default();
    if status < 200 {
        // Nothing that is asked here is answered by one of these.
        return Err(Fault::Unintelligible("it answers before it answers"));
    }
    let mut found = Fields::default();
    for field in response.headers.iter() {
        if field.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Fault::Unintelligible("its answer is encoded"));
        }
        if field.name.eq_ignore_ascii_case("content-length") {
            let length = number(field.value).filter(|_| found.length.is_none());
            let contradiction = "it does not say clearly how long its answer is";
            found.length = Some(length.ok_or(Fault::Unintelligible(contradiction))?);
        }
        if field.name.eq_ignore_ascii_case("content-type") {
            let kind = field.value.split(|byte| *byte == b';').next();
            let kind = kind.unwrap_or_default().trim_ascii();
            found.is_event_stream = kind.eq_ignore_ascii_case(b"text/event-stream");
        }
    }
    Ok(Some((status, length, found)))
}

/// A number in digits and nothing else: no sign, and no blanks.
fn number(text: &[u8]) -> Option<usize> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
