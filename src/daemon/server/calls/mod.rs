//! The calls: one file each, or one for those that are alike.

mod consent;
mod credential;
mod inquiry;
mod manage;
mod open;
mod patience;
mod unwrap;
mod watch;

use std::time::Instant;

use tracing::warn;

use super::request::Request;
use super::response::Response;
use super::route::Call;
use super::sse;
use crate::daemon::Daemon;
use crate::daemon::audit::{self, Record};
use crate::daemon::peer::PeerError;
use crate::protocol::{Code, Health};
pub(super) use inquiry::Asking;

/// What a request comes to.
pub(super) enum Outcome {
    /// An answer.
    Response(Response),
    /// A stream, which the connection is for from now on.
    Stream(Box<sse::Stream>),
}

/// Answers a request of a peer.
pub(super) async fn answer(asking: Asking<'_>, call: Call, request: Request) -> Outcome {
    let answered = match call {
        Call::Health => Ok(health()),
        Call::Status => manage::status(asking),
        Call::Metrics => manage::metrics(asking),
        Call::Lock => manage::lock(asking),
        Call::Unlock => manage::unlock(asking, request).await,
        Call::Reload => manage::reload(asking).await,
        Call::Open => open::open(asking, request).await,
        Call::Check => open::check(asking, request).await,
        Call::Unwrap => unwrap::unwrap(asking, request).await,
        Call::Watch => {
            return match watch::watch(asking, request).await {
                Ok(outcome) => outcome,
                Err(response) => Outcome::Response(response),
            };
        }
    };
    match answered {
        Ok(response) | Err(response) => Outcome::Response(response),
    }
}

/// That the daemon answers.
pub(super) fn health() -> Response {
    Response::json(&Health { ok: true })
}

/// Records that somebody asked of whom the kernel says too little, but that it was `user` who connected. Not more often than
/// any other denial.
pub(super) fn unknown_peer(daemon: &Daemon, call: Call, user: u32, error: &PeerError) {
    if daemon.limiter.take_denial(user, Instant::now()).is_err() {
        return;
    }
    // Nothing is given out either way.
    let _ = daemon.record(&Record::new(call.name(), audit::Outcome::Denied));
    warn!(reason = %error, "a peer is refused");
}

/// What cannot be recorded is not done.
fn unavailable() -> Response {
    Response::error(Code::Unavailable, "the daemon cannot answer now", None).retry_after(1)
}
