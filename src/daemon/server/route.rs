//! Which call a request is.

use super::request::{Head, Method};
use super::response::Response;
use crate::protocol::Code;

/// What can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `POST /v1/open`
    Open,
    /// `POST /v1/check`
    Check,
    /// `GET /v1/watch`
    Watch,
    /// `GET /v1/health`
    Health,
    /// `GET /v1/status`
    Status,
    /// `GET /v1/metrics`
    Metrics,
    /// `POST /v1/lock`
    Lock,
    /// `POST /v1/unlock`
    Unlock,
    /// `POST /v1/reload`
    Reload,
    /// `POST /v1/unwrap`
    Unwrap,
}

impl Call {
    /// All calls, in the order of their numbers.
    pub(crate) const ALL: [Self; 10] = [
        Self::Open,
        Self::Check,
        Self::Watch,
        Self::Health,
        Self::Status,
        Self::Metrics,
        Self::Lock,
        Self::Unlock,
        Self::Reload,
        Self::Unwrap,
    ];

    /// Its path.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Open => "/v1/open",
            Self::Check => "/v1/check",
            Self::Watch => "/v1/watch",
            Self::Health => "/v1/health",
            Self::Status => "/v1/status",
            Self::Metrics => "/v1/metrics",
            Self::Lock => "/v1/lock",
            Self::Unlock => "/v1/unlock",
            Self::Reload => "/v1/reload",
            Self::Unwrap => "/v1/unwrap",
        }
    }

    /// Its name: for the audit and the metrics.
    pub(crate) fn name(self) -> &'static str {
        self.path().trim_start_matches("/v1/")
    }

    /// Whether it only asks.
    fn is_asking(self) -> bool {
        matches!(
            self,
            Self::Watch | Self::Health | Self::Status | Self::Metrics
        )
    }

    /// Its number.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// The call that a head is for.
    pub(super) fn of(head: &Head) -> Result<Self, Response> {
        let call = Self::ALL
            .into_iter()
            .find(|call| call.path() == &*head.path);
        let call =
            call.ok_or_else(|| Response::error(Code::NotFound, "there is no such call", None))?;
        let (fits, methods) = match call.is_asking() {
            true => (
                matches!(head.method, Method::Get | Method::Head),
                "GET, HEAD",
            ),
            false => (head.method == Method::Post, "POST"),
        };
        if !fits {
            let response = Response::error(Code::BadMethod, "the call has another method", None);
            return Err(response.allowing(methods));
        }
        // Only calls of the watch kind have one.
        if call != Self::Watch && !head.query.is_empty() {
            return Err(Response::error(
                Code::BadRequest,
                "the call has no query",
                None,
            ));
        }
        Ok(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_their_own_numbers_and_paths() {
        for (number, call) in Call::ALL.into_iter().enumerate() {
            assert_eq!(call.index(), number);
            assert_eq!(format!("/v1/{}", call.name()), call.path());
        }
    }

    #[test]
    fn a_request_is_for_a_call() {
        for (line, expected) in [
            ("GET /v1/health", Ok(Call::Health)),
            ("HEAD /v1/health", Ok(Call::Health)),
            ("POST /v1/health", Err(Code::BadMethod)),
            ("POST /v1/open", Ok(Call::Open)),
            ("GET /v1/open", Err(Code::BadMethod)),
            ("DELETE /v1/open", Err(Code::BadMethod)),
            ("POST /v1/open?a", Err(Code::BadRequest)),
            ("GET /v1/watch?env=a", Ok(Call::Watch)),
            ("GET /v1/Health", Err(Code::NotFound)),
            ("GET /v1/health/", Err(Code::NotFound)),
            ("GET /", Err(Code::NotFound)),
        ] {
            let head = format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n");
            let head = Head::parse(head.as_bytes()).expect(line);
            let call = Call::of(&head).map_err(|response| response.code);
            assert_eq!(call.err().flatten(), expected.err(), "{line}");
        }
    }
}
