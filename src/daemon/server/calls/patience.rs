//! What takes long is done for as long as the peer waits for it.

use std::future::pending;
use std::io;
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, recv};
use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::daemon::until::until;
use crate::sys::hang_up::has_hung_up;

/// What comes of `work`; none if the peer, if it is to be seen, hangs up before.
pub(super) async fn while_waited_for<T>(
    peer: Option<&UnixStream>,
    work: impl Future<Output = T>,
) -> Option<T> {
    match peer {
        Some(connection) => until(hung_up(connection), work).await,
        None => Some(work.await),
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
