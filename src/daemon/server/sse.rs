//! Streams of revisions: server-sent events (HTML Living Standard, section 9.2).

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until};

use super::connection::write;
use super::response::{Body, Kind, Response};
use crate::daemon::Daemon;
use crate::daemon::environments::Subscription;
use crate::daemon::peer::Caller;
use crate::daemon::policy::{Action, Question, Reach};

/// How often a peer that is told nothing is told that it is not forgotten; and how long it takes at most until a peer
/// that has no right to the stream any more is told nothing.
const PULSE: Duration = Duration::from_secs(30);

/// What a peer is told.
pub(super) struct Stream {
    /// What happens.
    pub(super) subscription: Subscription,
    /// The revision that the peer has.
    pub(super) last: Option<Box<str>>,
    /// After how long its rule ends it.
    pub(super) ends: Option<Duration>,
    /// Whether only the head of the answer is wanted.
    pub(super) head_only: bool,
}

/// Tells it, until either side has had enough.
pub(super) async fn serve(
    daemon: Arc<Daemon>,
    connection: UnixStream,
    caller: Option<Caller>,
    stream: Box<Stream>,
) {
    let head = Response::new(Kind::Events, Body::Plain(Vec::new())).head(false);
    let time = daemon.settings.current().limits.write_time;
    if write(&connection, &[&head], time).await.is_err() || stream.head_only {
        return;
    }
    daemon.metrics.watchers.fetch_add(1, Ordering::Relaxed);
    let mut watcher = Watcher {
        ends: stream.ends.map(|ends| Instant::now() + ends),
        told: stream.last,
        subscription: stream.subscription,
        connection,
        caller,
        daemon,
    };
    // Whoever has gone is told nothing more.
    let _ = watcher.run().await;
}

struct Watcher {
    daemon: Arc<Daemon>,
    connection: UnixStream,
    /// Kept only where the connection does not tell of the peer again.
    caller: Option<Caller>,
    subscription: Subscription,
    told: Option<Box<str>>,
    ends: Option<Instant>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.daemon.metrics.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What happened while a watcher waited.
enum News {
    /// The environments may have changed.
    Change,
    /// Nothing, for a while.
    Silence,
    /// What may be watched may have changed.
    Policy,
    /// It is over.
    End,
}

impl Watcher {
    async fn run(&mut self) -> io::Result<()> {
        loop {
            let revision = Arc::clone(&self.subscription.current().revision);
            if self.told.as_deref() != Some(&*revision) {
                let event = format!(
                    "id: {revision}\nevent: revision\ndata: {{\"revision\":\"{revision}\"}}\n\n"
                );
                self.write(&event).await?;
                self.told = Some(Box::from(&*revision));
            }
            match self.wait().await {
                News::End => return Ok(()),
                News::Change | News::Policy if self.may_watch() => {}
                News::Silence if self.may_watch() => self.write(": still here\n\n").await?,
                News::Change | News::Policy | News::Silence => return Ok(()),
            }
        }
    }

    async fn wait(&mut self) -> News {
        let pulse = Instant::now() + PULSE;
        let until = self.ends.map_or(pulse, |ends| ends.min(pulse));
        let connection = &self.connection;
        let mut silence = pin!(sleep_until(until));
        let mut stop = pin!(self.daemon.stop.requested());
        let mut policy = pin!(self.daemon.policy_changed.notified());
        let mut change = pin!(self.subscription.changed());
        let news = poll_fn(|context| {
            if change.as_mut().poll(context).is_ready() {
                return Poll::Ready(News::Change);
            }
            if stop.as_mut().poll(context).is_ready() {
                return Poll::Ready(News::End);
            }
            // A peer has nothing to say here; and if it hangs up, that is how it is noticed.
            while connection.poll_read_ready(context).is_ready() {
                match connection.try_read(&mut [0; 64]) {
                    Ok(0) => return Poll::Ready(News::End),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return Poll::Ready(News::End),
                }
            }
            if policy.as_mut().poll(context).is_ready() {
                return Poll::Ready(News::Policy);
            }
            silence.as_mut().poll(context).map(|()| News::Silence)
        })
        .await;
        match self.ends {
            Some(ends) if ends <= Instant::now() => News::End,
            _ => news,
        }
    }

    /// Whether the peer, as it is now, may watch what there is now, by the policy that is in force now.
    fn may_watch(&self) -> bool {
        let peer = match &self.caller {
            Some(caller) => caller.peer(),
            None => Caller::of(&self.connection).and_then(|caller| caller.peer()),
        };
        let Ok(peer) = peer else {
            return false;
        };
        let closure = self.subscription.current();
        let decision = self.daemon.policy.current().decide(&Question {
            peer: &peer,
            action: Action::Watch,
            environments: &Reach::of(&closure.roots),
            path: None,
        });
        decision.allowed
    }

    async fn write(&self, text: &str) -> io::Result<()> {
        let time = self.daemon.settings.current().limits.write_time;
        write(&self.connection, &[text.as_bytes()], time).await
    }
}
