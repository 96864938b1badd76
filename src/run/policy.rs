//! How a command is supervised, as the user wants it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sys::children::End;
use crate::sys::signal::Signal;

/// What `--stop-timeout` is unless it is given.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The user's wishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Whether signals go to the command's whole process group.
    pub forward_to_group: bool,
    /// What asks the command to stop.
    pub stop_signal: Signal,
    /// How long it may take to stop; without a limit, for ever.
    pub stop_timeout: Option<Duration>,
    /// Signals that are forwarded as others, or not at all. The first that fits counts.
    pub rewrites: Vec<(Signal, Option<Signal>)>,
    /// Statuses that are reported as others. The first that fits counts.
    pub statuses: Vec<(u8, u8)>,
    /// Whether everything ends when the parent of escrun dies.
    pub die_with_parent: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            forward_to_group: false,
            stop_signal: Signal::TERM,
            stop_timeout: Some(STOP_TIMEOUT),
            rewrites: Vec::new(),
            statuses: Vec::new(),
            die_with_parent: false,
        }
    }
}

impl Policy {
    /// What a signal is forwarded as, if it is.
    pub fn forwarded(&self, signal: Signal) -> Option<Signal> {
        let rewritten = self.rewrites.iter().find(|(from, _)| *from == signal);
        match rewritten {
            Some((_, to)) => *to,
            None if signal == Signal::TERM => Some(self.stop_signal),
            None => Some(signal),
        }
    }

    /// Whether a signal that escrun gets asks it to stop.
    pub fn is_stop_request(&self, signal: Signal) -> bool {
        signal == Signal::TERM || signal == self.stop_signal
    }

    /// What is reported of an end.
    pub fn reported(&self, end: End) -> End {
        let status = end.status();
        let mapped = self.statuses.iter().find(|(from, _)| *from == status);
        mapped.map_or(end, |(_, to)| End::Exited(*to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_rewritten() {
        let policy = Policy {
            stop_signal: Signal::QUIT,
            rewrites: vec![(Signal::HUP, Some(Signal::INT)), (Signal::INT, None)],
            ..Policy::default()
        };
        for (signal, forwarded) in [
            (Signal::HUP, Some(Signal::INT)),
            (Signal::INT, None),
            (Signal::TERM, Some(Signal::QUIT)),
            (Signal::QUIT, Some(Signal::QUIT)),
            (Signal::WINCH, Some(Signal::WINCH)),
        ] {
            assert_eq!(policy.forwarded(signal), forwarded, "{signal}");
        }
        assert!(policy.is_stop_request(Signal::TERM));
        assert!(policy.is_stop_request(Signal::QUIT));
        assert!(!policy.is_stop_request(Signal::INT));
    }

    #[test]
    fn expected_statuses_are_reported_as_others() {
        let policy = Policy {
            statuses: vec![(143, 0), (3, 4), (4, 5)],
            ..Policy::default()
        };
        for (end, reported) in [
            (End::Killed(Signal::TERM), End::Exited(0)),
            (End::Exited(143), End::Exited(0)),
            (End::Exited(3), End::Exited(4)),
            (End::Killed(Signal::INT), End::Killed(Signal::INT)),
            (End::Exited(0), End::Exited(0)),
        ] {
            assert_eq!(policy.reported(end), reported, "{end}");
        }
    }
}
