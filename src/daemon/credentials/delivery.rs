//! Writing a credential, or having systemd take none.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How much systemd takes for all credentials of a unit together, their names included, in bytes
/// (`CREDENTIALS_TOTAL_SIZE_MAX`).
pub(super) const MOST: usize = 1 << 20;

/// Nothing, as much as fits into a page.
static NOTHING: [u8; 4096] = [0; 4096];

/// Writes a credential and closes the connection, which ends it. Nobody is waited for longer than `limit`.
///
/// # Errors
/// When it was not taken as a whole.
pub(super) async fn give(
    mut stream: UnixStream,
    content: &[u8],
    limit: Duration,
) -> io::Result<()> {
    within(limit, stream.write_all(content)).await
}

/// Has systemd fail to start the unit. It takes an empty answer for an empty credential, and there is no other way to end
/// a connection that it would take for a failure; but it refuses what is too large. So that is what it is given: zeroes.
pub(super) async fn refuse(mut stream: UnixStream, limit: Duration) {
    let zeroes = async {
        let mut left = MOST + 1;
        while left > 0 {
            left -= stream.write(&NOTHING[..left.min(NOTHING.len())]).await?;
        }
        Ok(())
    };
    // It closes the connection as soon as it has had enough.
    let _ = within(limit, zeroes).await;
}

async fn within(limit: Duration, writing: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    timeout(limit, writing)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
