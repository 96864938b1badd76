//! The head of a request (RFC 9112): strictly what it may be, since whatever two readers may understand differently is
//! refused.

use std::borrow::Cow;
use std::str;

use crate::protocol::{Code, LONGEST_REQUEST};
use crate::secret::Secret;

/// More fields than any client sends.
const MOST_FIELDS: usize = 64;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Asks.
    Get,
    /// Asks for the head of the answer alone.
    Head,
    /// Does something, or asks with a body.
    Post,
    /// Anything else, which no call offers.
    Other,
}

/// What is said before the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The path, as it was sent.
    pub path: Box<str>,
    /// What stands behind the question mark, as it was sent.
    pub query: Box<str>,
    /// The length of the body in bytes.
    pub length: usize,
    /// Whether another request may follow on the connection.
    pub keeps_alive: bool,
    /// Whether the client waits for a word before it sends the body.
    pub expects_continue: bool,
    /// The last event that the client of a stream has seen.
    pub last_event: Option<Box<str>>,
}

/// A whole request.
pub struct Request {
    /// What stands in front.
    pub head: Head,
    /// What follows.
    pub body: Secret,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind.
    pub code: Code,
    /// What is wrong, for people. Never holds anything that was sent.
    pub message: &'static str,
}

impl Refusal {
    /// A request that is not understood.
    pub(super) fn bad(message: &'static str) -> Self {
        Self {
            code: Code::BadRequest,
            message,
        }
    }
}

impl Head {
    /// Reads a head, which ends with an empty line.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
            Ok(_) => return Err(Refusal::bad("the head of the request ends early")),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Refusal {
                    code: Code::HeadTooLarge,
                    message: "the request has too many header fields",
                });
            }
            Err(httparse::Error::Version) => return Err(Refusal::bad("this is not HTTP/1.1")),
            Err(_) => return Err(Refusal::bad("the head of the request is not HTTP")),
        }
        // All of these are there in a complete head.
        let is_old = parsed.version == Some(0);
        let (path, query) = target(parsed.path.unwrap_or_default())?;
        let mut head = Self {
            method: match parsed.method {
                Some("GET") => Method::Get,
                Some("HEAD") => Method::Head,
                Some("POST") => Method::Post,
                _ => Method::Other,
            },
            path: path.into(),
            query: query.into(),
            length: 0,
            keeps_alive: !is_old,
            expects_continue: false,
            last_event: None,
        };
        let mut seen = Seen::default();
        for field in parsed.headers.iter() {
            head.take_field(field, &mut seen, is_old)?;
        }
        if !is_old && !seen.host {
            return Err(Refusal::bad("the request has no Host"));
        }
        Ok(head)
    }

    fn take_field(
        &mut self,
        field: &httparse::Header<'_>,
        seen: &mut Seen,
        is_old: bool,
    ) -> Result<(), Refusal> {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            once(&mut seen.length, "Content-Length is there twice")?;
            self.length = length(field.value)?;
        } else if is("transfer-encoding") {
            return Err(Refusal {
                code: Code::NotOffered,
                message: "a body needs a Content-Length: Transfer-Encoding is not offered",
            });
        } else if is("host") {
            once(&mut seen.host, "Host is there twice")?;
        } else if is("connection") {
            for token in tokens(field.value) {
                if token.eq_ignore_ascii_case(b"close") {
                    seen.close = true;
                } else if token.eq_ignore_ascii_case(b"keep-alive") {
                    self.keeps_alive = true;
                }
            }
            self.keeps_alive &= !seen.close;
        } else if is("expect") {
            // Those of HTTP/1.0 know no interim answers (RFC 9110, section 10.1.1).
            if !field.value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Refusal::bad("an Expect other than 100-continue"));
            }
            self.expects_continue = !is_old;
        } else if is("origin") {
            // Browsers say so for scripts (RFC 6454), which get here where somebody has put a proxy in front of the socket.
            return Err(Refusal::bad("this is not for web pages"));
        } else if is("last-event-id") {
            once(&mut seen.event, "Last-Event-ID is there twice")?;
            let event = str::from_utf8(field.value);
            self.last_event = Some(
                event
                    .map_err(|_| Refusal::bad("Last-Event-ID is not text"))?
                    .into(),
            );
        }
        Ok(())
    }

    /// The value of a key in the query, decoded; none if it is not there.
    pub(super) fn parameter(&self, key: &str) -> Result<Option<Cow<'_, str>>, Refusal> {
        let mut found = None;
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if decoded(name)? != key {
                return Err(Refusal::bad("the query has an unknown key"));
            }
            if found.replace(decoded(value)?).is_some() {
                return Err(Refusal::bad("a key is in the query twice"));
            }
        }
        Ok(found)
    }
}

/// Which fields were there.
#[derive(Default)]
struct Seen {
    length: bool,
    host: bool,
    event: bool,
    close: bool,
}

fn once(seen: &mut bool, message: &'static str) -> Result<(), Refusal> {
    if std::mem::replace(seen, true) {
        return Err(Refusal::bad(message));
    }
    Ok(())
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(|token| token.trim_ascii())
}

fn length(value: &[u8]) -> Result<usize, Refusal> {
    // Neither a sign nor a list, which str::parse would not take either; and no end of digits.
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::bad("Content-Length is no number"));
    }
    let too_large = Refusal {
        code: Code::TooLarge,
        message: "the body of the request is too large",
    };
    let digits = str::from_utf8(value).map_err(|_| too_large)?;
    digits
        .parse()
        .ok()
        .filter(|length| *length <= LONGEST_REQUEST)
        .ok_or(too_large)
}

/// Path and query of a target in origin form or, as proxies send it, in absolute form (RFC 9112, section 3.2).
fn target(text: &str) -> Result<(&str, &str), Refusal> {
    let refused = Refusal::bad("the target of the request is no path");
    let path = if text.starts_with('/') {
        text
    } else {
        let (scheme, rest) = text.split_once("://").ok_or(refused)?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(refused);
        }
        match rest.find(['/', '?']) {
            Some(end) => &rest[end..],
            None => "/",
        }
    };
    if path.contains('#') {
        return Err(refused);
    }
    Ok(path.split_once('?').unwrap_or((path, "")))
}

/// Percent-decodes a part of a query. A plus sign stays one: that a space is meant is a matter of forms.
fn decoded(text: &str) -> Result<Cow<'_, str>, Refusal> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let refused = || Refusal::bad("the query is not percent-encoded text");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit().ok_or_else(refused)?, digit().ok_or_else(refused)?);
        bytes.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte"));
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Head, Code> {
        Head::parse(text.as_bytes()).map_err(|refusal| refusal.code)
    }

    #[test]
    fn what_curl_sends_is_understood() {
        let head = parse(
            "POST /v1/open HTTP/1.1\r\nHost: x\r\nUser-Agent: curl/8\r\nAccept: */*\r\nContent-Length: 27\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n",
        );
        let head = head.expect("a head");
        assert_eq!(head.method, Method::Post);
        assert_eq!((&*head.path, &*head.query), ("/v1/open", ""));
        assert_eq!(head.length, 27);
        assert!(head.keeps_alive && !head.expects_continue);
    }

    #[test]
    fn what_can_be_understood_in_two_ways_is_refused() {
        for (fields, expected) in [
            ("Content-Length: 1\r\nContent-Length: 1", Code::BadRequest),
            ("Content-Length: 1\r\nContent-Length: 2", Code::BadRequest),
            ("Content-Length: 1, 1", Code::BadRequest),
            ("Content-Length: +1", Code::BadRequest),
            ("Content-Length: -1", Code::BadRequest),
            ("Content-Length: 0x1", Code::BadRequest),
            ("Content-Length:", Code::BadRequest),
            ("Content-Length: 262145", Code::TooLarge),
            ("Content-Length: 99999999999999999999999", Code::TooLarge),
            ("Transfer-Encoding: chunked", Code::NotOffered),
            (
                "Transfer-Encoding: identity\r\nContent-Length: 1",
                Code::NotOffered,
            ),
            ("Expect: 200-ok", Code::BadRequest),
            ("Host: y", Code::BadRequest),
            ("Content-Length : 1", Code::BadRequest),
            (" folded: 1", Code::BadRequest),
            ("Last-Event-ID: a\r\nLast-Event-ID: b", Code::BadRequest),
        ] {
            let text = format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n");
            assert_eq!(parse(&text).err(), Some(expected), "{fields}");
        }
        for text in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
            "GET /\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\n\r\nmore",
            "GET / HTTP/1.1\r\nHo\0st: x\r\n\r\n",
        ] {
            assert_eq!(parse(text).err(), Some(Code::BadRequest), "{text}");
        }
    }

    #[test]
    fn connections_are_kept_as_the_versions_have_it() {
        for (version, fields, expected) in [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "Connection: keep-alive, Close\r\n", false),
            (
                "1.1",
                "Connection: close\r\nConnection: keep-alive\r\n",
                false,
            ),
            ("1.0", "", false),
            ("1.0", "Connection: keep-alive\r\n", true),
        ] {
            let head = parse(&format!("GET / HTTP/{version}\r\nHost: x\r\n{fields}\r\n"));
            assert_eq!(
                head.expect("a head").keeps_alive,
                expected,
                "{version} {fields}"
            );
        }
    }

    #[test]
    fn targets_and_queries_are_taken_apart() {
        for (target, path, expected) in [
            ("/v1/watch?env=a,b", "/v1/watch", Ok(Some("a,b"))),
            ("/v1/watch?env=a%2Cb%2f+", "/v1/watch", Ok(Some("a,b/+"))),
            (
                "http://localhost/v1/watch?env=a",
                "/v1/watch",
                Ok(Some("a")),
            ),
            ("http://localhost", "/", Ok(None)),
            ("/?", "/", Ok(None)),
            ("/?env", "/", Ok(Some(""))),
            ("/?env=a&env=b", "/", Err(())),
            ("/?other=a", "/", Err(())),
            ("/?env=%", "/", Err(())),
            ("/?env=%+1", "/", Err(())),
            ("/?env=%ff", "/", Err(())),
        ] {
            let head = parse(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
            let head = head.expect(target);
            assert_eq!(&*head.path, path);
            let value = head.parameter("env").map_err(|_| ());
            assert_eq!(
                value.as_ref().map(Option::as_deref),
                expected.as_ref().map(|e| *e),
                "{target}"
            );
        }
    }
}
