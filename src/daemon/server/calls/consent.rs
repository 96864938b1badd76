//! Asking a person before a peer is given something, if the rules want that.

use tracing::warn;

use super::super::response::Response;
use super::inquiry::Inquiry;
use super::patience::while_waited_for;
use crate::daemon::keys::Consent;
use crate::daemon::policy::Decision;
use crate::protocol::Code;

/// Has a person agree, if the rules want that. Who does not agree is a reason to deny.
pub(super) async fn consent(
    inquiry: &Inquiry<'_>,
    decision: &Decision,
    what: &str,
) -> Result<(), Response> {
    if !decision.confirm {
        return Ok(());
    }
    let Some(consent) = asked(inquiry, what).await else {
        return Err(inquiry.not_waited_for(decision));
    };
    match consent {
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
            Err(inquiry.fail(decision, "nobody can be asked", super::unavailable()))
        }
    }
}

/// What a person says; none if the peer hangs up before, which takes the question back.
async fn asked(inquiry: &Inquiry<'_>, what: &str) -> Option<Consent> {
    let settings = inquiry.daemon.settings.current();
    let confirmer = &inquiry.daemon.confirmer;
    let consent = confirmer.ask(&settings.confirm, inquiry.peer, what);
    while_waited_for(inquiry.connection, consent).await
}
