//! Notices that the machine was asleep.

use std::time::Duration;

/// What may lie between two readings of the clocks, which are not taken at one instant.
const SLACK: Duration = Duration::from_millis(500);

/// How long the machine had slept when it was last looked.
#[derive(Debug)]
pub(super) struct Sleep {
    slept: Duration,
}

impl Sleep {
    pub(super) fn watch() -> Self {
        Self { slept: slept() }
    }

    /// Whether the machine has slept since this was last asked.
    pub(super) fn has_been(&mut self) -> bool {
        self.judge(slept())
    }

    fn judge(&mut self, slept: Duration) -> bool {
        let has_been = slept > self.slept + SLACK;
        if has_been {
            self.slept = slept;
        }
        has_been
    }
}

/// How long the machine has slept since it was started: CLOCK_BOOTTIME counts that, CLOCK_MONOTONIC does not
/// (clock_gettime(2)). Both are read without a system call.
fn slept() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    let read = |clock| clock_gettime(clock).map_or(Duration::ZERO, Duration::from);
    let all = read(ClockId::CLOCK_BOOTTIME);
    // Read last: a pause between the two then makes the difference smaller, never larger.
    let awake = read(ClockId::CLOCK_MONOTONIC);
    all.saturating_sub(awake)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_is_noticed_once() {
        let mut sleep = Sleep::watch();
        assert!(!sleep.has_been());
        let later = sleep.slept + Duration::from_secs(60);
        assert!(sleep.judge(later));
        assert!(!sleep.judge(later));
        assert!(!sleep.judge(later + SLACK));
        assert!(sleep.judge(later + SLACK * 2));
    }
}
