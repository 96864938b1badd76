//! Hears from a daemon when what it gave has changed, through its restarts: the connection is made again and again, and what
//! was missed meanwhile is told then. Knows names and revisions, and no value.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tracing::{debug, info, warn};

use crate::client::{Error, Feed};
use crate::run::{Setback, Subscription};

/// The first wait before something is tried again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long a daemon may be silent that says at least every half a minute that it is there.
const SILENCE: Duration = Duration::from_secs(100);

/// The ear for one daemon.
pub(super) struct Herald {
    subscription: Subscription,
    feed: Option<Feed>,
    /// When the connection is to be made, or counts as dead.
    next: Instant,
    attempts: Attempts,
    /// When values are to be composed anew though nothing is known to have changed.
    again: Option<Instant>,
    setbacks: Attempts,
    /// Whether something has changed that nobody has been told of.
    is_due: bool,
    /// What was told of the connection, so that it is told once.
    told_of_loss: Option<String>,
    /// What was told of composing anew.
    told_of_setback: Option<String>,
}

impl Herald {
    /// Listens for changes of what `subscription` tells of, which is what the command has.
    pub(super) fn new(subscription: Subscription, now: Instant) -> Self {
        Self {
            again: renewal(&subscription, now),
            subscription,
            feed: None,
            next: now,
            attempts: Attempts::default(),
            setbacks: Attempts::default(),
            is_due: false,
            told_of_loss: None,
            told_of_setback: None,
        }
    }

    /// What can be read when the daemon has said something.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.feed.as_ref().map(AsFd::as_fd)
    }

    /// When to ask [`Self::look`] and [`Self::is_due`], if there is nothing to read until then.
    pub(super) fn deadline(&self) -> Instant {
        self.again.map_or(self.next, |again| again.min(self.next))
    }

    /// Takes what there is to hear, and connects if it is time.
    pub(super) fn look(&mut self, now: Instant) {
        if self.feed.is_none() && self.next <= now {
            let Subscription {
                socket,
                environments,
                revision,
                ..
            } = &self.subscription;
            match Feed::begin(socket, environments, Some(revision)) {
                Ok(feed) => {
                    self.feed = Some(feed);
                    self.next = now + SILENCE;
                }
                Err(error) => self.lost(&error, now),
            }
        }
        let Some(feed) = &mut self.feed else {
            return;
        };
        let was_going = feed.is_going();
        match feed.read() {
            Ok(heard) => {
                if feed.is_going() && !was_going {
                    self.attempts = Attempts::default();
                    if self.told_of_loss.take().is_some() {
                        info!("the daemon tells of changes again");
                    }
                }
                if heard.anything {
                    self.next = now + SILENCE;
                } else if self.next <= now {
                    debug!("the daemon has said nothing for long");
                    self.feed = None;
                    self.next = now;
                }
                if let Some(revision) = heard.revision {
                    debug!(revision, "told by the daemon");
                    // What the command has is no news, whatever was between.
                    self.is_due = revision != self.subscription.revision;
                }
            }
            Err(error) => self.lost(&error, now),
        }
    }

    /// Whether values are to be composed anew.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        if self.again.is_some_and(|again| again <= now) {
            self.again = None;
            self.is_due = true;
        }
        std::mem::take(&mut self.is_due)
    }

    /// Values have been composed anew: this is how to hear of changes of them.
    pub(super) fn renew(&mut self, subscription: Subscription, now: Instant) {
        self.again = renewal(&subscription, now);
        self.setbacks = Attempts::default();
        self.told_of_setback = None;
        let of_others = |it: &Subscription| (it.socket.clone(), it.environments.clone());
        if of_others(&subscription) != of_others(&self.subscription) {
            self.feed = None;
            self.next = now;
        }
        self.subscription = subscription;
    }

    /// Values could not be composed anew, because the daemon gave nothing.
    pub(super) fn set_back(&mut self, setback: &Setback, now: Instant) {
        let consequence = "the command keeps what it has";
        tell_once(&mut self.told_of_setback, &setback.message, consequence);
        if setback.is_passing {
            self.again = Some(now + self.setbacks.wait());
        }
    }

    /// There is no connection any more, or none can be made.
    fn lost(&mut self, error: &Error, now: Instant) {
        self.feed = None;
        self.next = now + self.attempts.wait();
        // One that is started again is back in no time.
        if self.attempts.count > 2 || !error.is_passing() || error.code().is_some() {
            let consequence = "changes are not noticed until that is otherwise";
            tell_once(&mut self.told_of_loss, &error.to_string(), consequence);
        }
    }
}

/// Warns, unless that is what was `told` last.
fn tell_once(told: &mut Option<String>, message: &str, consequence: &str) {
    if told.as_deref() != Some(message) {
        warn!("{message}: {consequence}");
        *told = Some(message.to_owned());
    }
}

/// When values are to be composed anew so that those of the command are never too old: a tenth before that.
fn renewal(subscription: &Subscription, now: Instant) -> Option<Instant> {
    let lifetime = subscription.lifetime?;
    // What is too far away never comes.
    now.checked_add(lifetime - lifetime / 10)
}

/// Attempts in a row.
#[derive(Default)]
struct Attempts {
    count: u32,
}

impl Attempts {
    /// How long to wait for the next one: not all who wait for the same daemon come at once.
    fn wait(&mut self) -> Duration {
        let wait = FIRST_WAIT.saturating_mul(1_u32.checked_shl(self.count).unwrap_or(u32::MAX));
        self.count = (self.count + 1).min(16);
        let wait = wait.min(LONGEST_WAIT);
        wait / 2 + (wait / 2).mul_f64(jitter())
    }
}

/// A number from 0 to 1 that differs between processes.
fn jitter() -> f64 {
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mixed = u64::from(clock.subsec_nanos()) ^ u64::from(std::process::id());
    // Fibonacci hashing (Knuth, TAOCP 3, 6.4) spreads what differs in the last digits only.
    let spread = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (spread >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
