//! How long to wait before a command that has ended is started again.

use std::time::Duration;

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// Counts ends that come soon after a start. Those are in a row; a command that has lived for a while begins a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    ends: u32,
    failures: u32,
}

impl Backoff {
    /// The command has lived long enough.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// How long to wait now that the command has ended; nothing if it has failed more than `limit` times in a row.
    pub(super) fn wait(&mut self, is_failure: bool, limit: Option<u32>) -> Option<Duration> {
        if is_failure {
            self.failures = self.failures.saturating_add(1);
            if limit.is_some_and(|limit| self.failures > limit) {
                return None;
            }
        } else {
            self.failures = 0;
        }
        let wait = FIRST.saturating_mul(1u32.checked_shl(self.ends).unwrap_or(u32::MAX));
        self.ends = self.ends.saturating_add(1);
        Some(wait.min(LONGEST))
    }

    /// How many failures there were in a row.
    pub(super) fn failures(self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_end_at_the_limit() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..12)
            .map(|_| backoff.wait(true, None).map(|wait| wait.as_millis()))
            .collect();
        let expected = [
            100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000,
        ];
        assert_eq!(waits, expected.map(Some));
        backoff.reset();
        let limited: Vec<_> = (0..4)
            .map(|_| backoff.wait(true, Some(3)).is_some())
            .collect();
        assert_eq!(limited, [true, true, true, false]);
    }

    #[test]
    fn only_failures_count_towards_the_limit() {
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            assert!(backoff.wait(false, Some(1)).is_some());
        }
        assert_eq!(backoff.wait(true, Some(1)), Some(LONGEST));
        assert_eq!(backoff.failures(), 1);
        assert_eq!(backoff.wait(true, Some(1)), None);
    }
}
