//! Answers systemd, one connection for each credential.

use std::future::Future;
use std::io;
use std::os::fd::AsRawFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{UnixAddr, getpeername};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;
use tracing::{debug, warn};

use super::asked::{Asked, Manager};
use super::refusal::Refusal;
use super::wanted::Wanted;
use super::{content, delivery};
use crate::daemon::environments::Answer;
use crate::daemon::peer::{Caller, Peer, PeerError};
use crate::daemon::until::until;
use crate::protocol::ErrorAnswer;
use crate::quote::quoted;
use crate::sys::fs::describe;
use crate::value::Text;

/// How long nobody is let in when the system has nothing left for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Where values come from: the daemon, which decides and writes down what it does as for any other request.
pub trait Source: Send + Sync + 'static {
    /// The right to a connection, as long as it lives.
    type Place: Send + 'static;

    /// The right to a connection of `user`; none while there are too many.
    fn place(&self, user: u32) -> Option<Self::Place>;

    /// Returns when the daemon is about to end: no more connections are taken then.
    fn ending(&self) -> impl Future<Output = ()> + Send;

    /// What a credential is by the settings of this moment, if it is anything.
    fn wanted(&self, asked: &Asked) -> Option<Wanted>;

    /// How long things may take.
    fn times(&self) -> Times;

    /// Opens what `wanted` says for `peer`, as if it had asked, by the call `credential`. What is given out has been
    /// written down by then.
    fn open(
        &self,
        peer: &Peer,
        asked: &Asked,
        wanted: &Wanted,
    ) -> impl Future<Output = Result<Arc<Answer>, ErrorAnswer>> + Send;

    /// Writes down that somebody was refused before it came to that; not more often than any other denial.
    fn refused(&self, peer: Option<&Peer>, asked: Option<&Asked>, reason: &'static str);

    /// Who has connected, by the kernel's word.
    ///
    /// # Errors
    /// When that is not to be told.
    fn peer(&self, stream: &UnixStream) -> Result<Peer, PeerError> {
        Caller::of(stream)?.peer()
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// How long systemd may take to read a credential until that is told.
    pub write: Duration,
    /// How long what is under way may take when the daemon is about to end.
    pub end: Duration,
}

/// What is served.
struct Server<S> {
    source: Arc<S>,
    manager: Manager,
}

/// Who is answered, if only with a refusal.
struct Admitted<P> {
    peer: Peer,
    asked: Asked,
    /// None if there is no room for it.
    place: Option<P>,
}

/// Answers connections until the daemon ends. When this returns, all that it has accepted have their places. Must run within a runtime.
///
/// # Errors
/// When the runtime cannot wait for the socket.
pub async fn serve<S: Source>(
    listener: std::os::unix::net::UnixListener,
    source: Arc<S>,
    manager: Manager,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let server = Arc::new(Server { source, manager });
    let mut ending = pin!(server.source.ending());
    while let Some(accepted) = until(ending.as_mut(), listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                // Not left to the task, which may not have begun when the daemon ends.
                let Some(admitted) = server.admit(&stream) else {
                    continue;
                };
                let server = Arc::clone(&server);
                tokio::spawn(async move { server.answer(stream, admitted).await });
            }
            Err(error) => {
                debug!(
                    reason = describe(&error),
                    "a connection for a credential cannot be accepted"
                );
                sleep(PAUSE).await;
            }
        }
    }
    Ok(())
}

impl<S: Source> Server<S> {
    /// Whoever may be told anything at all.
    fn admit(&self, stream: &UnixStream) -> Option<Admitted<S::Place>> {
        let asked = bound_name(stream).and_then(|name| Asked::read(&name));
        let turn_away = |peer, asked, refusal| {
            self.turn_away(peer, asked, &refusal);
            None
        };
        let peer = match self.source.peer(stream) {
            Ok(peer) => peer,
            Err(error) => return turn_away(None, asked.as_ref(), Refusal::Peer(error)),
        };
        let Some(asked) = asked else {
            return turn_away(Some(&peer), None, Refusal::NoName);
        };
        if !asked.is_confirmed_by(&peer, self.manager) {
            return turn_away(Some(&peer), Some(&asked), Refusal::Unconfirmed);
        }
        let place = self.source.place(peer.user);
        Some(Admitted { peer, asked, place })
    }

    async fn answer(&self, stream: UnixStream, admitted: Admitted<S::Place>) {
        let Admitted { peer, asked, place } = admitted;
        let times = self.source.times();
        let content = match place {
            Some(_) => self.content_in_time(&peer, &asked, times.end).await,
            None => Err(Refusal::Busy),
        };
        let late = || {
            let Asked { unit, credential } = &asked;
            warn!(
                unit,
                credential, "a credential is taken slowly; it is waited for"
            );
        };
        let done = match content {
            // Exposed: it is what the unit is given.
            Ok(text) => delivery::give(stream, text.bytes(), times.write, late).await,
            Err(refusal) => {
                tell(Some(&asked), &refusal);
                delivery::refuse(stream, times.write, late).await;
                Ok(())
            }
        };
        if let Err(error) = done {
            let Asked { unit, credential } = asked;
            let reason = describe(&error);
            warn!(unit, credential, reason, "a credential was not taken");
        }
        // Until here, the end of the daemon waits: a connection that it only dropped would be an empty credential.
        drop(place);
    }

    async fn content_in_time(
        &self,
        peer: &Peer,
        asked: &Asked,
        time: Duration,
    ) -> Result<Text, Refusal> {
        let end = async {
            self.source.ending().await;
            sleep(time).await;
        };
        let content = until(end, self.content(peer, asked)).await;
        content.unwrap_or(Err(Refusal::Ending))
    }

    async fn content(&self, peer: &Peer, asked: &Asked) -> Result<Text, Refusal> {
        let Some(wanted) = self.source.wanted(asked) else {
            self.source
                .refused(Some(peer), Some(asked), Refusal::Unmapped.word());
            return Err(Refusal::Unmapped);
        };
        let answer = self.source.open(peer, asked, &wanted).await;
        let answer = answer.map_err(Refusal::Answer)?;
        // Exposed: the value is in there.
        let text = content::content(&wanted.value, answer.body.expose())?;
        let size = text.bytes().len() + asked.credential.len();
        if size > delivery::MOST {
            return Err(Refusal::TooLarge(text.bytes().len()));
        }
        Ok(text)
    }

    /// Closes the connection of somebody who is not the service manager: it learns nothing, not even that it was refused.
    fn turn_away(&self, peer: Option<&Peer>, asked: Option<&Asked>, refusal: &Refusal) {
        self.source.refused(peer, asked, refusal.word());
        tell(asked, refusal);
    }
}

/// Says why a unit does not start, where whoever looks after the machine will look.
fn tell(asked: Option<&Asked>, refusal: &Refusal) {
    let reason = refusal.to_string();
    let hint = refusal.hint(asked).unwrap_or_default();
    match asked {
        Some(Asked { unit, credential }) => warn!(
            unit,
            credential,
            reason,
            hint,
            "the credential {} is not given to {}",
            quoted(credential),
            quoted(unit)
        ),
        None => warn!(reason, hint, "a credential is not given"),
    }
}

/// The abstract name that the other end is bound to, without its leading NUL.
fn bound_name(stream: &UnixStream) -> Option<Vec<u8>> {
    let address: UnixAddr = getpeername(stream.as_raw_fd()).ok()?;
    address.as_abstract().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests;
