//! The calls of those who manage the daemon: status, metrics, lock, reload.

use tracing::info;

use super::super::response::{Body, Kind, Response};
use super::super::route::Call;
use super::unavailable;
use crate::daemon::Daemon;
use crate::daemon::audit::{Outcome, Record};
use crate::daemon::peer::Peer;
use crate::daemon::policy::{Action, Question};
use crate::protocol::Code;

/// `GET /v1/status`.
pub(super) fn status(daemon: &Daemon, peer: &Peer) -> Response {
    managing(daemon, peer, Call::Status, || {
        Response::json(&daemon.status())
    })
}

/// `GET /v1/metrics`.
pub(super) fn metrics(daemon: &Daemon, peer: &Peer) -> Response {
    managing(daemon, peer, Call::Metrics, || {
        let text = daemon.metrics.text(&daemon.gauges());
        Response::new(Kind::Metrics, Body::Plain(text.into_bytes()))
    })
}

/// `POST /v1/lock`.
pub(super) fn lock(daemon: &Daemon, peer: &Peer) -> Response {
    managing(daemon, peer, Call::Lock, || {
        daemon.vault.lock();
        info!("the identities were locked on request");
        Response::json(&daemon.vault.state())
    })
}

/// `POST /v1/reload`.
pub(super) async fn reload(daemon: &Daemon, peer: &Peer) -> Response {
    if let Err(refused) = may_manage(daemon, peer, Call::Reload) {
        return refused;
    }
    match daemon.reload().await {
        Ok(()) => Response::json(&daemon.status()),
        Err(reason) => Response::error(
            Code::Faulty,
            &reason,
            Some("what was read before stays in force"),
        ),
    }
}

fn managing(
    daemon: &Daemon,
    peer: &Peer,
    call: Call,
    answer: impl FnOnce() -> Response,
) -> Response {
    match may_manage(daemon, peer, call) {
        Ok(()) => answer(),
        Err(refused) => refused,
    }
}

/// Whether the peer may manage, which is recorded either way.
pub(super) fn may_manage(daemon: &Daemon, peer: &Peer, call: Call) -> Result<(), Response> {
    let decision = daemon.decide(&Question {
        peer,
        action: Action::Manage,
        environments: &[],
        path: None,
    });
    let written = daemon.record(&Record {
        peer: Some(peer),
        call: call.name(),
        action: Some(Action::Manage),
        environments: &[],
        path: None,
        variables: &[],
        revision: None,
        outcome: match decision.allowed {
            true => Outcome::Allowed,
            false => Outcome::Denied,
        },
        rule: decision.rule.as_deref(),
    });
    match (decision.allowed, written) {
        (false, _) => Err(Response::denied()),
        (true, false) => Err(unavailable()),
        (true, true) => Ok(()),
    }
}
