//! Writing a credential, or having systemd take none.
//!
//! However a connection is closed, systemd takes what it has read by then for all there is. So nobody is given up half-way:
//! whoever is slow is waited for until it is gone, which systemd sees to when the unit takes too long to start.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How much systemd takes for all credentials of a unit together, their names included, in bytes
/// (`CREDENTIALS_TOTAL_SIZE_MAX`).
pub(super) const MOST: usize = 1 << 20;

/// Nothing, as much as fits into a page.
static NOTHING: [u8; 4096] = [0; 4096];

/// Writes a credential and closes the connection, which ends it. `late` is called if that takes longer than `limit`.
///
/// # Errors
/// When it was not taken as a whole, by somebody who has gone.
pub(super) async fn give(
    mut stream: UnixStream,
    content: &[u8],
    limit: Duration,
    late: impl FnOnce(),
) -> io::Result<()> {
    to_the_end(stream.write_all(content), limit, late).await
}

/// Has systemd fail to start the unit. It takes an empty answer for an empty credential, and there is no other way to end
/// a connection that it would take for a failure; but it refuses what is too large. So that is what it is given: zeroes.
pub(super) async fn refuse(mut stream: UnixStream, limit: Duration, late: impl FnOnce()) {
    let zeroes = async {
        let mut left = MOST + 1;
        while left > 0 {
            left -= stream.write(&NOTHING[..left.min(NOTHING.len())]).await?;
        }
        Ok(())
    };
    // It closes the connection as soon as it has had enough.
    let _ = to_the_end(zeroes, limit, late).await;
}

async fn to_the_end(
    writing: impl Future<Output = io::Result<()>>,
    limit: Duration,
    late: impl FnOnce(),
) -> io::Result<()> {
    let mut writing = pin!(writing);
    if let Ok(done) = timeout(limit, writing.as_mut()).await {
        return done;
    }
    late();
    writing.await
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::mpsc;

    use super::*;

    /// What somebody reads who begins only when `give` or `refuse` has lost patience.
    fn read_late<F: Future<Output = ()>>(
        write: impl FnOnce(UnixStream, mpsc::Sender<()>) -> F,
    ) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let (near, mut far) = std::os::unix::net::UnixStream::pair().expect("sockets");
        let (late, is_late) = mpsc::channel();
        std::thread::scope(|scope| {
            let reading = scope.spawn(move || {
                is_late.recv().expect("it is late");
                let mut read = Vec::new();
                far.read_to_end(&mut read).expect("read");
                read
            });
            runtime.block_on(async {
                near.set_nonblocking(true).expect("set");
                write(UnixStream::from_std(near).expect("a stream"), late).await;
            });
            reading.join().expect("no panic")
        })
    }

    #[test]
    fn who_is_slow_is_given_all_of_it() {
        let limit = Duration::from_millis(1);
        let content = vec![b'x'; MOST - 10];
        let read = read_late(|stream, late| {
            let content = &content;
            async move {
                let late = || late.send(()).expect("somebody waits");
                let given = give(stream, content, limit, late).await;
                given.expect("all is taken");
            }
        });
        assert_eq!(read, content);
        let read = read_late(|stream, late| async move {
            refuse(stream, limit, || late.send(()).expect("somebody waits")).await;
        });
        assert_eq!(read.len(), MOST + 1);
    }

    #[test]
    fn who_has_gone_is_not_waited_for() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (near, far) = UnixStream::pair().expect("sockets");
            let given = give(near, &[b'x'; MOST], Duration::ZERO, || drop(far)).await;
            assert_eq!(
                given.expect_err("nobody is there").kind(),
                io::ErrorKind::BrokenPipe
            );
        });
    }
}
