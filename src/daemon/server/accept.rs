//! Lets peers in.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::AsRawFd;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, getsockopt, send, sockopt};
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use tracing::warn;

use super::connection;
use super::response::Response;
use crate::daemon::Daemon;
use crate::protocol::Code;

/// How long nobody is let in when the system has nothing left for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What becomes of those who have connected and were not let in when the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// They are let in: the socket ends with the daemon.
    Served,
    /// They wait for the next daemon: somebody else keeps the socket.
    Left,
}

/// Accepts connections until the daemon ends. Must run within the runtime.
///
/// # Errors
/// When the runtime cannot wait for the socket.
pub(crate) async fn accept(
    daemon: Arc<Daemon>,
    listener: std::os::unix::net::UnixListener,
    waiting: Waiting,
) -> io::Result<()> {
    let listener = UnixListener::from_std(listener)?;
    let mut door = Door {
        daemon: Arc::clone(&daemon),
        spare: spare(),
        complained: false,
    };
    let mut stop = pin!(daemon.stop.requested());
    loop {
        let accepted = poll_fn(|context| {
            if stop.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            listener.poll_accept(context).map(Some)
        });
        match accepted.await {
            None => break,
            Some(Ok((stream, _))) => door.let_in(stream),
            Some(Err(error)) => door.trouble(&listener, &error).await,
        }
    }
    if waiting == Waiting::Served {
        while let Some(Ok((stream, _))) = accept_waiting(&listener).await {
            door.let_in(stream);
        }
    }
    Ok(())
}

/// Accepts somebody who waits already, if anybody does.
async fn accept_waiting(listener: &UnixListener) -> Option<io::Result<(UnixStream, SocketAddr)>> {
    poll_fn(|context| match listener.poll_accept(context) {
        Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

struct Door {
    daemon: Arc<Daemon>,
    /// A descriptor to spare, so that a connection for which there is none can be taken and refused.
    spare: Option<File>,
    complained: bool,
}

impl Door {
    fn let_in(&mut self, stream: UnixStream) {
        // Those that it had when it connected.
        let Ok(credentials) = getsockopt(&stream, sockopt::PeerCredentials) else {
            return;
        };
        match self.daemon.slots.take(credentials.uid()) {
            Some(slot) => {
                self.complained = false;
                let served = connection::serve(Arc::clone(&self.daemon), stream, slot);
                self.daemon.turns.begin(credentials.uid(), served);
            }
            None => self.turn_away(&stream, "too many connections"),
        }
    }

    /// Says that there is no room, if that takes no waiting.
    fn turn_away(&mut self, stream: &UnixStream, message: &'static str) {
        self.daemon
            .metrics
            .turned_away
            .fetch_add(1, Ordering::Relaxed);
        let response = Response::error(Code::Unavailable, message, None).retry_after(1);
        let mut bytes = response.head(false);
        bytes.extend(response.parts().concat());
        // Nobody is waited for who is not let in.
        let _ = send(
            stream.as_raw_fd(),
            &bytes,
            MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
        );
        self.complain(message);
    }

    /// Accepting failed.
    async fn trouble(&mut self, listener: &UnixListener, error: &io::Error) {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
        match errno {
            // The peer has gone.
            Errno::ECONNABORTED | Errno::EINTR => {}
            Errno::EMFILE | Errno::ENFILE if self.spare.take().is_some() => {
                // With the descriptor that was kept for this, the one who waits is told instead of left to wait.
                if let Some(Ok((stream, _))) = accept_waiting(listener).await {
                    self.turn_away(&stream, "there are no descriptors left");
                }
                self.spare = spare();
            }
            _ => {
                self.complain("connections cannot be accepted");
                tokio::time::sleep(PAUSE).await;
                if self.spare.is_none() {
                    self.spare = spare();
                }
            }
        }
    }

    /// Tells it once, until somebody is let in again: whoever causes it must not fill the log too.
    fn complain(&mut self, reason: &'static str) {
        if !std::mem::replace(&mut self.complained, true) {
            warn!(reason, "peers are turned away");
        }
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}
