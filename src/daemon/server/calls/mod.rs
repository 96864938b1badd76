//! The calls: one file each, or one for those that are alike.

mod credential;
mod inquiry;
mod manage;
mod open;
mod unwrap;
mod watch;

use std::sync::Arc;
use std::time::Instant;

use tracing::warn;

use super::request::Request;
use super::response::Response;
use super::route::Call;
use super::sse;
use crate::daemon::Daemon;
use crate::daemon::audit::{self, Record};
use crate::daemon::keys::Consent;
use crate::daemon::peer::{Peer, PeerError};
use crate::daemon::policy::Decision;
use crate::protocol::{Code, Health};
use inquiry::Inquiry;

/// What a request comes to.
pub(super) enum Outcome {
    /// An answer.
    Response(Response),
    /// A stream, which the connection is for from now on.
    Stream(Box<sse::Stream>),
}

/// Answers a request of a peer.
pub(super) async fn answer(
    daemon: &Arc<Daemon>,
    peer: &Peer,
    call: Call,
    request: Request,
) -> Outcome {
    let answered = match call {
        Call::Health => Ok(health()),
        Call::Status => manage::status(daemon, peer),
        Call::Metrics => manage::metrics(daemon, peer),
        Call::Lock => manage::lock(daemon, peer),
        Call::Unlock => manage::unlock(daemon, peer, request).await,
        Call::Reload => manage::reload(daemon, peer).await,
        Call::Open => open::open(daemon, peer, request).await,
        Call::Check => open::check(daemon, peer, request).await,
        Call::Unwrap => unwrap::unwrap(daemon, peer, request).await,
        Call::Watch => {
            return match watch::watch(daemon, peer, request).await {
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

/// Has a person agree, if the rules want that. Who does not agree is a reason to deny.
async fn consent(inquiry: &Inquiry<'_>, decision: &Decision, what: &str) -> Result<(), Response> {
    if !decision.confirm {
        return Ok(());
    }
    match inquiry.daemon.confirmer.ask(inquiry.peer, what).await {
        Consent::Given => Ok(()),
        Consent::Refused => Err(inquiry.fail(decision, "refused by a person", Response::denied())),
        Consent::TimedOut => {
            Err(inquiry.fail(decision, "nobody agreed in time", Response::denied()))
        }
        Consent::Busy => {
            let busy = "another question of this user is open";
            let response = Response::error(Code::TooOften, busy, None).retry_after(1);
            Err(inquiry.fail(decision, busy, response))
        }
        Consent::Unavailable(reason) => {
            warn!(reason, "nobody can be asked for consent");
            Err(inquiry.fail(decision, "nobody can be asked", unavailable()))
        }
    }
}

/// What cannot be recorded is not done.
fn unavailable() -> Response {
    Response::error(Code::Unavailable, "the daemon cannot answer now", None).retry_after(1)
}
