//! Keeps a socket of the daemon's own where its clients look for it: folders for the time of a session are cleaned, and a
//! name that is gone would leave a daemon that nobody can reach, and that says nothing.

use std::convert::Infallible;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::warn;

use super::listener::{ListenError, OwnSocket};
use crate::sys::fs::describe;
use crate::sys::readable::Readable;
use crate::watch::Watcher;

/// How often is looked besides: a file system that is mounted over the folder is not told by the kernel.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How long nothing is done about a name that has just been put back.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a name is put back: whoever takes it away more often means it.
const MOST_LOSSES: u32 = 32;

/// Puts the name of `own` back whenever it was taken away, and hands each new listener to `serve`; the old one is to be
/// served further, for who has connected before. Must run within the runtime.
///
/// # Errors
/// It ends when that is not possible: another daemon serves the path by now, or the system refuses.
pub(crate) async fn keep(
    own: &mut OwnSocket,
    mut serve: impl FnMut(UnixListener),
) -> Result<Infallible, ListenError> {
    let mut sentry = Sentry::of(own.path());
    for _ in 0..MOST_LOSSES {
        while own.is_in_place() {
            sentry.rest().await;
        }
        let socket = own.path().display().to_string();
        let bound = own.bind_anew();
        serve(bound.map_err(|error| ListenError::Lost(own.path().to_owned(), Box::new(error)))?);
        warn!(socket, "the socket was taken away, and is put back");
        sleep(PAUSE).await;
    }
    Err(ListenError::Contested(own.path().to_owned()))
}

/// Looks out for changes of a path; nothing but the time tells, where the kernel cannot be asked.
struct Sentry(Option<(Watcher, Readable)>);

impl Sentry {
    fn of(path: &Path) -> Self {
        let begin = || -> io::Result<_> {
            let mut watcher = Watcher::new()?;
            watcher.watch([path.to_owned()]);
            let readable = Readable::of(watcher.as_fd())?;
            Ok((watcher, readable))
        };
        match begin() {
            Ok(told) => Self(Some(told)),
            Err(error) => {
                let (socket, reason) = (path.display().to_string(), describe(&error));
                warn!(
                    socket,
                    reason, "that the socket is taken away would be noticed late"
                );
                Self(None)
            }
        }
    }

    /// Waits until something may have changed.
    async fn rest(&mut self) {
        let told = async {
            let Some((watcher, readable)) = &mut self.0 else {
                return std::future::pending().await;
            };
            readable.next(|| Ok(watcher.take()?.then_some(()))).await
        };
        // A watcher that fails tells nothing any more.
        if let Ok(Err(_)) = timeout(LOOK_EVERY, told).await {
            self.0 = None;
        }
    }
}
