//! How long the next passphrase has to wait after wrong ones.

use std::time::{Duration, Instant};

/// The wait after the first wrong passphrase; each further one doubles it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// Wrong passphrases since the last right one.
#[derive(Debug, Default)]
pub(super) struct Patience {
    wrong: u32,
    not_before: Option<Instant>,
}

impl Patience {
    /// How long the next passphrase has to wait.
    pub(super) fn left(&self, now: Instant) -> Duration {
        self.not_before
            .map_or(Duration::ZERO, |then| then.saturating_duration_since(now))
    }

    /// A passphrase was wrong.
    pub(super) fn wrong(&mut self, now: Instant) {
        let wait = FIRST.saturating_mul(1 << self.wrong.min(16));
        self.wrong = self.wrong.saturating_add(1);
        self.not_before = Some(now + wait.min(LONGEST));
    }

    /// A passphrase was right.
    pub(super) fn right(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_passphrase_costs_twice_as_long_up_to_a_limit() {
        let now = Instant::now();
        let mut patience = Patience::default();
        assert_eq!(patience.left(now), Duration::ZERO);
        for expected in [1, 2, 4, 8, 16, 30, 30] {
            patience.wrong(now);
            assert_eq!(patience.left(now), Duration::from_secs(expected));
        }
        assert_eq!(patience.left(now + LONGEST), Duration::ZERO);
        patience.right();
        assert_eq!(patience.left(now), Duration::ZERO);
    }
}
