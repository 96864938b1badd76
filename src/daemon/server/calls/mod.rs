//! The calls: one file each, or one for those that are alike.

mod credential;
mod inquiry;
mod manage;
mod open;
mod unwrap;
mod watch;

use std::future::{Future, pending, poll_fn};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tracing::warn;

use super::request::Request;
use super::response::Response;
use super::route::Call;
use super::sse;
use crate::daemon::Daemon;
use crate::daemon::audit::{self, Record};
use crate::daemon::keys::Consent;
use crate::daemon::peer::PeerError;
use crate::daemon::policy::Decision;
use crate::protocol::{Code, Health};
pub(super) use inquiry::Asking;
use inquiry::Inquiry;

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

/// Has a person agree, if the rules want that. Who does not agree is a reason to deny.
async fn consent(inquiry: &Inquiry<'_>, decision: &Decision, what: &str) -> Result<(), Response> {
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
            Err(inquiry.fail(decision, "nobody can be asked", unavailable()))
        }
    }
}

/// What a person says; none if the peer hangs up before, which takes the question back.
async fn asked(inquiry: &Inquiry<'_>, what: &str) -> Option<Consent> {
    let mut consent = pin!(inquiry.daemon.confirmer.ask(inquiry.peer, what));
    let mut hung_up = pin!(async {
        match inquiry.connection {
            Some(connection) => hung_up(connection).await,
            None => pending().await,
        }
    });
    poll_fn(|context| {
        if let Poll::Ready(consent) = consent.as_mut().poll(context) {
            return Poll::Ready(Some(consent));
        }
        hung_up.as_mut().poll(context).map(|()| None)
    })
    .await
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
            Ok(0) if is_closed(connection) => return,
            Ok(_) => return pending().await,
            Err(_) => return,
        }
    }
}

/// Whether the other side neither writes nor reads any more.
fn is_closed(connection: &UnixStream) -> bool {
    let mut polled = [PollFd::new(connection.as_fd(), PollFlags::empty())];
    let events = poll(&mut polled, PollTimeout::ZERO).map(|_| polled[0].revents());
    events.is_ok_and(|events| events.is_some_and(|events| events.contains(PollFlags::POLLHUP)))
}

/// What cannot be recorded is not done.
fn unavailable() -> Response {
    Response::error(Code::Unavailable, "the daemon cannot answer now", None).retry_after(1)
}
