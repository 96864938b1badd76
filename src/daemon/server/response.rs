//! Answers: a head, and a body that is sent from where it lies.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::request::Refusal;
use crate::daemon::environments::Answer;
use crate::protocol::{Code, ErrorAnswer, Fault};
use crate::secret::Secret;

/// The type of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// JSON (RFC 8259).
    Json,
    /// The text format of Prometheus, version 0.0.4.
    Metrics,
    /// A stream of server-sent events (HTML Living Standard, section 9.2).
    Events,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Metrics => "text/plain; version=0.0.4; charset=utf-8",
            Self::Events => "text/event-stream",
        }
    }
}

/// The bytes of an answer.
pub(super) enum Body {
    /// What is no secret.
    Plain(Vec<u8>),
    /// What is one.
    Secret(Secret),
    /// What was composed, which all who ask the same share; and what goes between its first byte, which is a brace,
    /// and the others.
    Composed(Arc<Answer>, Vec<u8>),
}

/// An answer.
pub(super) struct Response {
    /// The kind of failure, if it is one.
    pub(super) code: Option<Code>,
    kind: Kind,
    /// In how many seconds it is worth asking again.
    retry_after: Option<u64>,
    /// The methods that there are.
    allow: Option<&'static str>,
    body: Body,
    /// Whether nothing more is understood on the connection.
    pub(super) closes: bool,
}

impl Response {
    /// A success.
    pub(super) fn new(kind: Kind, body: Body) -> Self {
        Self {
            code: None,
            kind,
            retry_after: None,
            allow: None,
            body,
            closes: false,
        }
    }

    /// A success with a body of no secrets.
    pub(super) fn json(body: &impl Serialize) -> Self {
        Self::new(Kind::Json, Body::Plain(encoded(body)))
    }

    /// A failure.
    pub(super) fn failure(answer: &ErrorAnswer) -> Self {
        Self::failure_with(answer.error.code, answer)
    }

    /// A failure with a body of its own kind.
    pub(super) fn failure_with(code: Code, body: &impl Serialize) -> Self {
        Self {
            code: Some(code),
            ..Self::json(body)
        }
    }

    /// A failure of which a line says all.
    pub(super) fn error(code: Code, message: &str, hint: Option<&str>) -> Self {
        Self::failure(&ErrorAnswer {
            error: Fault {
                code,
                message: message.to_owned(),
                hint: hint.map(str::to_owned),
            },
            diagnostics: Vec::new(),
        })
    }

    /// The policy does not allow it: the same bytes whatever was asked, and whether or not it exists.
    pub(super) fn denied() -> Self {
        Self::error(Code::Denied, "the policy does not allow this", None)
    }

    /// The peer is denied too often to be told more than that: the same whatever was asked.
    pub(super) fn too_many_denials(wait: Duration) -> Self {
        Self::error(Code::TooOften, "too many requests were denied", None)
            .retry_after(whole_seconds(wait))
    }

    /// Something that is no request.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self::error(refusal.code, refusal.message, None)
    }

    /// What went wrong, for who is told otherwise than by HTTP.
    pub(super) fn to_failure(&self) -> ErrorAnswer {
        let told = match &self.body {
            Body::Plain(bytes) => serde_json::from_slice(bytes).ok(),
            Body::Secret(_) | Body::Composed(..) => None,
        };
        told.unwrap_or_else(|| ErrorAnswer {
            error: Fault {
                code: self.code.unwrap_or(Code::Internal),
                message: "the request was refused".to_owned(),
                hint: None,
            },
            diagnostics: Vec::new(),
        })
    }

    /// The same for who may ask again in so many seconds.
    #[must_use]
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds.max(1)),
            ..self
        }
    }

    /// The same with the methods that the call has.
    #[must_use]
    pub(super) fn allowing(self, methods: &'static str) -> Self {
        Self {
            allow: Some(methods),
            ..self
        }
    }

    /// The same as the last on its connection.
    #[must_use]
    pub(super) fn closing(self) -> Self {
        Self {
            closes: true,
            ..self
        }
    }

    /// The head. There is no Date: what a denied peer gets is the same at all times.
    pub(super) fn head(&self, stays: bool) -> Vec<u8> {
        let status = self.code.map_or(200, Code::status);
        let mut head = String::with_capacity(256);
        // Writing to a text cannot fail.
        let _ = write!(
            head,
            "HTTP/1.1 {status} {}\r\nContent-Type: {}\r\nCache-Control: no-store\r\n",
            reason(status),
            self.kind.name()
        );
        if self.kind != Kind::Events {
            let length: usize = self.parts().iter().map(|part| part.len()).sum();
            let _ = write!(head, "Content-Length: {length}\r\n");
        }
        if let Some(seconds) = self.retry_after {
            let _ = write!(head, "Retry-After: {seconds}\r\n");
        }
        if let Some(methods) = self.allow {
            let _ = write!(head, "Allow: {methods}\r\n");
        }
        if !stays || self.closes {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// Whether anything that was decrypted is in the body.
    pub(super) fn holds_secrets(&self) -> bool {
        !matches!(self.body, Body::Plain(_))
    }

    /// The body in pieces.
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        match &self.body {
            Body::Plain(bytes) => [bytes, &[], &[]],
            // It is for the peer that the policy gave it to.
            Body::Secret(secret) => [secret.expose(), &[], &[]],
            Body::Composed(answer, inserted) => {
                // As above.
                let body = answer.body.expose();
                let (brace, rest) = body.split_at(body.len().min(1));
                [brace, inserted, rest]
            }
        }
    }
}

/// JSON of our own types, of which each can be written.
fn encoded(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(body).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The words for a status, which nobody reads but people (RFC 9110, section 15).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        423 => "Locked",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        _ => "Service Unavailable",
    }
}

/// Whoever waits for so many seconds is not early.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.saturating_add(Duration::from_millis(999)).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(response: &Response, stays: bool) -> String {
        let mut bytes = response.head(stays);
        bytes.extend(response.parts().concat());
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn an_answer_is_a_head_and_a_body() {
        let response = Response::error(Code::TooOften, "too often", None).retry_after(0);
        assert_eq!(
            bytes(&response, false),
            "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n\
             Content-Length: 53\r\nRetry-After: 1\r\nConnection: close\r\n\r\n\
             {\"error\":{\"code\":\"too-often\",\"message\":\"too often\"}}\n"
        );
    }

    #[test]
    fn what_goes_in_front_of_a_composed_answer_becomes_part_of_it() {
        let answer = Arc::new(Answer {
            body: Secret::from_parts(&[b"{\"a\":1}"]),
            names: Vec::new(),
            revision: "r".into(),
        });
        let body = |inserted: &[u8]| Body::Composed(Arc::clone(&answer), inserted.to_owned());
        for (inserted, expected) in [
            (&b""[..], "{\"a\":1}"),
            (b"\"lifetimeSeconds\":5,", "{\"lifetimeSeconds\":5,\"a\":1}"),
        ] {
            let text = bytes(&Response::new(Kind::Json, body(inserted)), true);
            assert!(text.ends_with(&format!("\r\n\r\n{expected}")), "{text}");
            assert!(text.contains(&format!("Content-Length: {}\r\n", expected.len())));
        }
    }
}
