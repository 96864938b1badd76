//! `POST /v1/unwrap`: file keys for programs that speak age.

use super::super::request::Request;
use super::super::response::{Body, Kind, Response};
use super::super::route::Call;
use super::consent::consent;
use super::inquiry::{Asking, Inquiry};
use super::patience::while_waited_for;
use crate::daemon::keys::{fault_of_unwrapping, read_stanzas, unwrapped};
use crate::daemon::policy::Action;
use crate::protocol::{Code, ErrorAnswer};

/// Unwraps a file key.
pub(super) async fn unwrap(asking: Asking<'_>, request: Request) -> Result<Response, Response> {
    let inquiry = Inquiry::new(asking, Call::Unwrap.name(), Action::Decrypt);
    let decision = inquiry.decide()?;
    inquiry.charge(&decision)?;
    // Wrapped keys are no secret.
    let stanzas = read_stanzas(request.body.expose()).map_err(|reason| {
        let refused = Response::error(Code::BadRequest, &reason, None);
        inquiry.fail(&decision, "bad request", refused)
    })?;
    drop(request);
    consent(&inquiry, &decision, "decrypt a file").await?;
    let unwrapping = asking.daemon.vault.unwrap(asking.peer.user, stanzas);
    let Some(outcome) = while_waited_for(asking.connection, unwrapping).await else {
        return Err(inquiry.not_waited_for(&decision));
    };
    match outcome {
        Ok(key) => {
            inquiry.give(&decision, None)?;
            Ok(Response::new(Kind::Json, Body::Secret(unwrapped(&key))))
        }
        Err(error) => Err(inquiry.fail_with(
            &decision,
            &ErrorAnswer {
                error: fault_of_unwrapping(&error),
                diagnostics: Vec::new(),
            },
        )),
    }
}
