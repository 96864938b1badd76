//! Answers systemd, one connection for each credential.

use std::future::Future;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::socket::{UnixAddr, getpeername};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::asked::{Asked, Manager};
use super::mapping::{Mapping, Wanted};
use super::refusal::Refusal;
use super::{content, delivery};
use crate::daemon::environments::Answer;
use crate::daemon::peer::{Caller, Peer, PeerError};
use crate::protocol::ErrorAnswer;
use crate::value::Text;

/// How many are answered at once; the others wait. systemd starts as many units at once as it likes.
const AT_ONCE: usize = 64;

/// How long nobody is let in when the system has nothing left for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Where values come from: the daemon, which decides and writes down what it does as for any other request.
pub trait Source: Send + Sync + 'static {
    /// Opens what `wanted` says for `peer`, as if it had asked, by the call `credential`. What is given out has been
    /// written down by then.
    fn open(
        &self,
        peer: &Peer,
        asked: &Asked,
        wanted: &Wanted,
    ) -> impl Future<Output = Result<Arc<Answer>, ErrorAnswer>> + Send;

    /// Writes down that somebody was refused before it came to that.
    fn refused(&self, peer: Option<&Peer>, asked: Option<&Asked>, reason: &'static str);

    /// Who has connected, by the kernel's word.
    ///
    /// # Errors
    /// When that is not to be told.
    fn peer(&self, stream: &UnixStream) -> Result<Peer, PeerError> {
        Caller::of(stream)?.peer()
    }
}

/// What is served.
struct Server<S> {
    source: Arc<S>,
    mapping: Mapping,
    manager: Manager,
    write_time: Duration,
}

/// Answers connections for as long as it is polled. `user` is whose agent this is; none for the machine's daemon.
/// A connection may take none of a credential for `write_time`. Must run within a runtime.
///
/// # Errors
/// When the runtime cannot wait for the socket.
pub async fn serve<S: Source>(
    listener: std::os::unix::net::UnixListener,
    source: Arc<S>,
    mapping: Mapping,
    user: Option<u32>,
    write_time: Duration,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let server = Arc::new(Server {
        source,
        mapping,
        manager: user.map_or(Manager::System, Manager::User),
        write_time,
    });
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return Ok(());
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let server = Arc::clone(&server);
                tokio::spawn(async move {
                    server.answer(stream).await;
                    drop(place);
                });
            }
            Err(error) => {
                debug!(reason = %error, "a connection for a credential cannot be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

impl<S: Source> Server<S> {
    async fn answer(&self, stream: UnixStream) {
        let asked = bound_name(&stream).and_then(|name| Asked::read(&name));
        let peer = match self.source.peer(&stream) {
            Ok(peer) => peer,
            Err(error) => return self.turn_away(None, asked.as_ref(), &Refusal::Peer(error)),
        };
        let Some(asked) = asked else {
            return self.turn_away(Some(&peer), None, &Refusal::NoName);
        };
        if !asked.is_confirmed_by(&peer, self.manager) {
            return self.turn_away(Some(&peer), Some(&asked), &Refusal::Unconfirmed);
        }
        match self.content(&peer, &asked).await {
            Ok(text) => {
                // Exposed: it is what the unit is given.
                let given = delivery::give(stream, text.bytes(), self.write_time).await;
                match given {
                    Ok(()) => debug!(
                        unit = asked.unit,
                        credential = asked.credential,
                        "a credential was given"
                    ),
                    Err(error) => warn!(
                        unit = asked.unit,
                        credential = asked.credential,
                        reason = crate::sys::fs::describe(&error),
                        "a credential was not taken"
                    ),
                }
            }
            Err(refusal) => {
                tell(Some(&asked), &refusal);
                delivery::refuse(stream, self.write_time).await;
            }
        }
    }

    async fn content(&self, peer: &Peer, asked: &Asked) -> Result<Text, Refusal> {
        let Some(wanted) = self.mapping.find(asked) else {
            self.source
                .refused(Some(peer), Some(asked), Refusal::Unmapped.word());
            return Err(Refusal::Unmapped);
        };
        let answer = self.source.open(peer, asked, wanted).await;
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
        Some(Asked { unit, credential }) => {
            warn!(unit, credential, reason, hint, "a credential is not given")
        }
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
