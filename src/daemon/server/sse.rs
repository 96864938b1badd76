//! Streams of revisions: server-sent events (HTML Living Standard, section 9.2).

use std::sync::Arc;

use tokio::net::UnixStream;

use crate::daemon::Daemon;

/// What a peer is told.
pub(super) struct Stream {}

/// Tells it, until either side has had enough.
pub(super) async fn serve(_daemon: Arc<Daemon>, _stream: UnixStream, _watch: Box<Stream>) {}
