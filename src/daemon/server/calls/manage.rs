//! The calls of those who manage the daemon: status, metrics, lock, unlock, reload.

use tracing::{info, warn};

use super::super::request::Request;
use super::super::response::{Body, Kind, Response};
use super::super::route::Call;
use super::inquiry::{Asking, Inquiry};
use crate::daemon::keys::{Answers, refusal};
use crate::daemon::peer::ROOT;
use crate::daemon::policy::{Action, Decision};
use crate::protocol::{Code, LockAnswer, Reloaded};

/// `GET /v1/status`.
pub(super) fn status(asking: Asking<'_>) -> Result<Response, Response> {
    require(asking, Call::Status)?;
    Ok(Response::json(&asking.daemon.status()))
}

/// `GET /v1/metrics`.
pub(super) fn metrics(asking: Asking<'_>) -> Result<Response, Response> {
    require(asking, Call::Metrics)?;
    let text = asking.daemon.metrics.text(&asking.daemon.gauges());
    Ok(Response::new(Kind::Metrics, Body::Plain(text.into_bytes())))
}

/// `POST /v1/lock`. Root may, whatever the policy says: it could as well end the daemon, and before a machine sleeps the
/// agents of all its users are to be locked.
pub(super) fn lock(asking: Asking<'_>) -> Result<Response, Response> {
    let inquiry = Inquiry::new(asking, Call::Lock.name(), Action::Manage);
    let decision = if asking.peer.user == ROOT {
        Decision {
            allowed: true,
            rule: Some("root may lock".into()),
            ..Decision::default()
        }
    } else {
        let decision = inquiry.decide()?;
        inquiry.charge(&decision)?;
        decision
    };
    // First: that it cannot be written down is no reason to keep the keys.
    asking.daemon.vault.lock();
    asking.daemon.forget_opened();
    let recorded = inquiry.give(&decision, None);
    info!("the identities were locked on request");
    if recorded.is_err() {
        warn!("the audit, which cannot be written, does not say that the identities were locked");
    }
    Ok(Response::json(&LockAnswer {
        keys: asking.daemon.vault.state(),
        unrecorded: recorded.is_err(),
    }))
}

/// `POST /v1/unlock`. An empty body has no answers.
pub(super) async fn unlock(asking: Asking<'_>, request: Request) -> Result<Response, Response> {
    let inquiry = Inquiry::new(asking, Call::Unlock.name(), Action::Manage);
    let decision = inquiry.decide()?;
    inquiry.charge(&decision)?;
    // Read from locked memory to locked memory.
    let answers = match request.body.expose() {
        [] => Answers::default(),
        body => Answers::read(body).map_err(|reason| {
            let refused = Response::error(Code::BadRequest, &reason, None);
            inquiry.fail(&decision, "bad request", refused)
        })?,
    };
    drop(request);
    match asking.daemon.vault.unlock(answers).await {
        Ok(state) => {
            asking.daemon.state_changed.notify_one();
            inquiry.give(&decision, None)?;
            info!("the identities were unlocked");
            Ok(Response::json(&state))
        }
        Err(error) => {
            let refusal = refusal(&error);
            let response = Response::failure_with(refusal.error.code, &refusal);
            Err(inquiry.fail(&decision, "not unlocked", response))
        }
    }
}

/// `POST /v1/reload`.
pub(super) async fn reload(asking: Asking<'_>) -> Result<Response, Response> {
    require(asking, Call::Reload)?;
    match asking.daemon.reload().await {
        Ok(change) => {
            let words = |keys: Vec<&str>| keys.into_iter().map(str::to_owned).collect();
            Ok(Response::json(&Reloaded {
                changed: words(change.taken),
                restart: words(change.waiting),
            }))
        }
        Err(reason) => Err(Response::error(
            Code::Faulty,
            &reason,
            Some("what was read before stays in force"),
        )),
    }
}

/// Whether the peer may manage, which is recorded either way.
fn require(asking: Asking<'_>, call: Call) -> Result<(), Response> {
    let inquiry = Inquiry::new(asking, call.name(), Action::Manage);
    let decision = inquiry.decide()?;
    inquiry.charge(&decision)?;
    inquiry.give(&decision, None)
}
