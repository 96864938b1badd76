//! Asking a person before a peer is given something, if the rules want that.

use std::future::pending;
use std::io;
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, recv};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tracing::warn;

use super::super::response::Response;
use super::inquiry::Inquiry;
use crate::daemon::keys::Consent;
use crate::daemon::policy::Decision;
use crate::daemon::until::until;
use crate::protocol::Code;
use crate::sys::hang_up::has_hung_up;

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
        let gone = Response::denied().closing();
        return Err(inquiry.fail(decision, "the peer did not wait", gone));
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
    match inquiry.connection {
        Some(connection) => until(hung_up(connection), consent).await,
        None => Some(consent.await),
    }
}

/// Returns when nobody is on the other side. One who has said all, and waits, is not told from one who never says more:
/// for these, and for those who talk on, it never returns.
async fn hung_up(connection: &UnixStream) {
    // Only a look that finds nothing has the runtime wait for more.
    let look = || Ok(recv(connection.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK)?);
    loop {
        if connection.readable().await.is_err() {
            return;
        }
        match connection.try_io(Interest::READABLE, look) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) if has_hung_up(connection).unwrap_or(false) => return,
            Ok(_) => return pending().await,
            Err(_) => return,
        }
    }
}
