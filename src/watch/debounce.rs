//! Makes one reaction of many events: of one save, one `git pull`, one rollout.

use std::time::{Duration, Instant};

/// So long nothing must have happened.
const QUIET: Duration = Duration::from_millis(100);

/// So long after the first event a reaction comes even if it is never quiet.
const LONGEST: Duration = Duration::from_secs(2);

/// How often is asked whether what holds a reaction back is over.
const HELD: Duration = Duration::from_millis(50);

/// Waits until a change is complete, as far as can be told. The clock is handed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Debounce {
    pending: Option<Pending>,
}

/// A change that nobody has reacted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pending {
    /// When it is complete, if nothing more happens.
    quiet_at: Instant,
    /// When it counts as complete.
    latest: Instant,
}

impl Debounce {
    /// Something has changed.
    pub fn touch(&mut self, now: Instant) {
        let latest = self.pending.map_or(now + LONGEST, |pending| pending.latest);
        self.pending = Some(Pending {
            quiet_at: now + QUIET,
            latest,
        });
    }

    /// When to ask [`Self::take`] next; nothing if nothing has changed.
    pub fn deadline(&self) -> Option<Instant> {
        let Pending { quiet_at, latest } = self.pending?;
        Some(quiet_at.min(latest))
    }

    /// Whether it is time to react; the next change then begins anew. `is_held` says whether the files are in the middle
    /// of a change, and is asked only when it was quiet.
    pub fn take(&mut self, now: Instant, is_held: impl FnOnce() -> bool) -> bool {
        let Some(pending) = &mut self.pending else {
            return false;
        };
        if now < pending.latest {
            if now < pending.quiet_at {
                return false;
            }
            if is_held() {
                pending.quiet_at = now + HELD;
                return false;
            }
        }
        self.pending = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// When reactions come, in milliseconds, if events come at `events` and the files are held at `held`.
    fn reactions(events: &[u64], held: std::ops::Range<u64>) -> Vec<u64> {
        let start = Instant::now();
        let mut debounce = Debounce::default();
        let mut reactions = Vec::new();
        for now in 0..10_000 {
            let at = start + Duration::from_millis(now);
            if events.contains(&now) {
                debounce.touch(at);
            }
            // A caller that looks only when it was told to misses nothing.
            if debounce.deadline().is_some_and(|deadline| deadline <= at)
                && debounce.take(at, || held.contains(&now))
            {
                reactions.push(now);
            }
        }
        assert_eq!(debounce.deadline(), None);
        reactions
    }

    #[test]
    fn one_change_is_one_reaction() {
        for (events, held, expected) in [
            (&[][..], 0..0, &[][..]),
            (&[5], 0..0, &[105]),
            (&[5, 6, 7, 80], 0..0, &[180]),
            (&[0, 99, 198, 500], 0..0, &[298, 600]),
            // Held a while, and for ever.
            (&[0], 0..210, &[250]),
            (&[0], 0..10_000, &[2000]),
            (&[0, 2100], 0..10_000, &[2000, 4100]),
            (&[0, 130], 0..140, &[230]),
        ] {
            assert_eq!(reactions(events, held), expected, "{events:?}");
        }
    }

    #[test]
    fn what_never_rests_is_reacted_to_all_the_same() {
        let events: Vec<u64> = (0..5000).step_by(50).collect();
        assert_eq!(reactions(&events, 0..0), [2000, 4050, 5050]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// No event is forgotten: each is followed by a reaction within the limit.
        #[test]
        fn every_event_is_reacted_to(events in prop::collection::vec(0u64..6000, 0..40), held in 0u64..3000) {
            let reactions = reactions(&events, 0..held);
            for event in &events {
                prop_assert!(reactions.iter().any(|at| (*event..=event + 2000).contains(at)));
            }
            prop_assert!(reactions.len() <= events.len());
        }
    }
}
