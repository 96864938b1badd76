//! The calls: one file each, or one for those that are alike.

mod manage;

use std::sync::Arc;

use tracing::warn;

use super::request::Request;
use super::response::Response;
use super::route::Call;
use super::sse;
use crate::daemon::Daemon;
use crate::daemon::audit::{self, Record};
use crate::daemon::peer::{Peer, PeerError};
use crate::protocol::{Code, Health};

/// What a request comes to.
pub(super) enum Outcome {
    /// An answer.
    Response(Response),
    /// A stream, which the connection is for from now on.
    Stream(Box<sse::Stream>),
}

impl From<Response> for Outcome {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// Answers a request of a peer.
pub(super) async fn answer(
    daemon: &Arc<Daemon>,
    peer: &Peer,
    call: Call,
    request: Request,
) -> Outcome {
    match call {
        Call::Health => health().into(),
        Call::Status => manage::status(daemon, peer).into(),
        Call::Metrics => manage::metrics(daemon, peer).into(),
        Call::Lock => manage::lock(daemon, peer).into(),
        Call::Reload => manage::reload(daemon, peer).await.into(),
        Call::Unlock | Call::Open | Call::Check | Call::Watch | Call::Unwrap => {
            drop(request);
            unavailable().into()
        }
    }
}

/// That the daemon answers.
pub(super) fn health() -> Response {
    Response::json(&Health { ok: true })
}

/// Records that somebody asked of whom the kernel says too little.
pub(super) fn unknown_peer(daemon: &Daemon, call: Call, error: &PeerError) {
    // Nothing is given out either way.
    let _ = daemon.record(&Record {
        peer: None,
        call: call.name(),
        action: None,
        environments: &[],
        path: None,
        variables: &[],
        revision: None,
        outcome: audit::Outcome::Denied,
        rule: None,
    });
    warn!(reason = %error, "a peer is refused");
}

/// What cannot be recorded is not done.
fn unavailable() -> Response {
    Response::error(Code::Unavailable, "the daemon cannot answer now", None).retry_after(1)
}
