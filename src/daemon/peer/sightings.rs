//! What was seen of processes a moment ago: a crowd of requests by one process need not have /proc read for each.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::Membership;
use crate::sys::peer::{Hold, Mark};

/// A process, and as whom it acts: which units it is believed to be of hangs on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    pub(super) mark: Mark,
    pub(super) user: u32,
}

/// What /proc shows of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) membership: Membership,
    pub(super) executable: Option<PathBuf>,
    pub(super) name: Option<Box<str>>,
}

/// How long a sighting stands for what is.
///
/// A process that goes to another control group of the second hierarchy has another mark, so that what it is part of is never
/// out of date. Where systemd has its units in a hierarchy of the first kind, it may be, by as much as this; only root sends
/// processes from one unit to another.
const KEPT: Duration = Duration::from_millis(100);

/// How often it is looked for what does not hold any more.
const SWEEP: Duration = Duration::from_secs(1);

/// How many are kept, with a descriptor for each.
const MOST: usize = 64;

/// Processes that were seen. Shared by all threads.
pub(super) struct Sightings {
    seen: OnceLock<Mutex<HashMap<Subject, Seen>>>,
    /// Told each time that something is kept.
    kept: Notify,
}

struct Seen {
    at: Instant,
    sighting: Sighting,
    /// What makes it cheap to ask the kernel who the process is when it connects again.
    _hold: Hold,
}

impl Seen {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < KEPT
    }
}

impl Sightings {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self {
            seen: OnceLock::new(),
            kept: Notify::const_new(),
        }
    }

    /// What was seen of a process so lately that it holds.
    pub(super) fn of(&self, subject: Subject, now: Instant) -> Option<Sighting> {
        self.with(|seen| {
            let seen = seen.get(&subject).filter(|seen| seen.is_fresh(now))?;
            Some(seen.sighting.clone())
        })
    }

    /// Keeps what was seen of a process, `now` or later. If there is no room left, those who are not seen again soon are
    /// forgotten, or else all: those who go on asking will be.
    pub(super) fn keep(&self, subject: Subject, now: Instant, sighting: Sighting, hold: Hold) {
        self.with(|seen| {
            if seen.len() >= MOST {
                seen.retain(|_, seen| seen.is_fresh(now));
            }
            if seen.len() >= MOST {
                seen.clear();
            }
            let new = Seen {
                at: now,
                sighting,
                _hold: hold,
            };
            seen.insert(subject, new);
        });
        self.kept.notify_one();
    }

    /// Looks every second for what does not hold any more, as long as anything is kept: a daemon that nobody asks has no
    /// descriptor of anybody. Does not end.
    pub(super) async fn tend(&self) {
        loop {
            self.kept.notified().await;
            while self.forget_stale(Instant::now()) > 0 {
                tokio::time::sleep(SWEEP).await;
            }
        }
    }

    /// Gives how many are left.
    fn forget_stale(&self, now: Instant) -> usize {
        self.with(|seen| {
            seen.retain(|_, seen| seen.is_fresh(now));
            seen.len()
        })
    }

    fn with<R>(&self, f: impl FnOnce(&mut HashMap<Subject, Seen>) -> R) -> R {
        let seen = self.seen.get_or_init(Mutex::default);
        f(&mut seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::sys::peer::PeerProcess;

    fn hold() -> Hold {
        let (one, _other) = UnixStream::pair().expect("a pair");
        PeerProcess::of(&one).expect("this process").hold()
    }

    fn acting(process: u64, user: u32) -> Subject {
        let mark = Mark::of_test(process);
        Subject { mark, user }
    }

    fn named(name: String) -> Sighting {
        Sighting {
            membership: Membership::default(),
            executable: None,
            name: Some(name.into_boxed_str()),
        }
    }

    #[test]
    fn a_sighting_holds_for_a_moment() {
        let (sightings, now) = (Sightings::new(), Instant::now());
        let subject = acting(1, 1000);
        assert_eq!(sightings.of(subject, now), None);
        let sighting = named("one".to_owned());
        sightings.keep(subject, now, sighting.clone(), hold());
        assert_eq!(sightings.of(subject, now), Some(sighting.clone()));
        assert_eq!(sightings.of(acting(2, 1000), now), None);
        assert_eq!(sightings.of(acting(1, 1001), now), None);
        let last = now + KEPT - Duration::from_nanos(1);
        assert_eq!(sightings.of(subject, last), Some(sighting));
        assert_eq!(sightings.of(subject, now + KEPT), None);
    }

    #[test]
    fn of_who_is_not_seen_again_nothing_is_kept() {
        let (sightings, now) = (Sightings::new(), Instant::now());
        sightings.keep(acting(1, 0), now, named("one".to_owned()), hold());
        let later = now + KEPT / 2;
        sightings.keep(acting(2, 0), later, named("two".to_owned()), hold());
        assert_eq!(sightings.forget_stale(later), 2);
        assert_eq!(sightings.forget_stale(now + KEPT), 1);
        assert_eq!(sightings.forget_stale(later + KEPT), 0);
    }

    #[test]
    fn no_more_than_a_number_are_kept() {
        let (sightings, now) = (Sightings::new(), Instant::now());
        for number in 0..3 * MOST as u64 {
            let (subject, sighting) = (acting(number, 0), named(number.to_string()));
            sightings.keep(subject, now, sighting.clone(), hold());
            assert_eq!(sightings.of(subject, now), Some(sighting));
        }
        assert!(sightings.with(|seen| seen.len()) <= MOST);
    }
}
