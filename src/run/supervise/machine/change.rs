//! What comes of changes on disk.

use std::time::Duration;

use super::{Action, After, Machine, Note, Phase, Timer, Verdict};

/// How long composing anew may take.
const RESOLVING: Duration = Duration::from_secs(60);

impl Machine {
    /// Has values composed anew, if that was asked for and is possible now.
    pub(super) fn resolve(&mut self, actions: &mut Vec<Action>) {
        let is_calm = matches!(self.phase, Phase::Running | Phase::Waiting { .. });
        // While two commands live, a third one is not wanted.
        if is_calm && self.other.is_none() && self.reload.begin() {
            actions.extend([Action::Resolve, Action::Arm(Timer::Resolve, RESOLVING)]);
        }
    }

    /// Values were composed anew, or were not.
    pub(super) fn resolved(&mut self, verdict: Verdict, actions: &mut Vec<Action>) {
        if !self.reload.end() {
            return;
        }
        actions.push(Action::Disarm(Timer::Resolve));
        match verdict {
            Verdict::Failed => {}
            Verdict::Same => actions.push(Action::Discard),
            Verdict::Tell | Verdict::Restart => self.changed(verdict, actions),
        }
        // While a command is being started, it is not known how many there will be.
        if actions.last() != Some(&Action::Start) {
            self.resolve(actions);
        }
    }

    fn changed(&mut self, verdict: Verdict, actions: &mut Vec<Action>) {
        match self.phase {
            Phase::Running if verdict == Verdict::Tell => {
                actions.extend([Action::Adopt, Action::Tell]);
                self.settle(actions);
            }
            Phase::Running => {
                let can_overlap =
                    self.lifecycle.overlaps && self.other.is_none() && self.awaited.is_none();
                actions.extend([Action::Note(Note::Changed), Action::Adopt]);
                self.is_trial = true;
                if can_overlap {
                    actions.push(Action::Start);
                } else {
                    self.stop(After::Start, actions);
                }
            }
            // Nothing is known to be good about what it had, and the new values may be what mends it.
            Phase::Waiting { end } => {
                actions.push(Action::Adopt);
                self.settle(actions);
                self.backoff.reset();
                actions.push(Action::Disarm(Timer::Start));
                self.start(end, actions);
            }
            // The next command gets them.
            _ if self.after == After::Start => {
                actions.push(Action::Adopt);
                self.is_trial = true;
            }
            _ if self.after == After::Retry => {
                actions.push(Action::Adopt);
                self.settle(actions);
            }
            _ => actions.push(Action::Discard),
        }
    }

    /// Forgets earlier values, unless they may be needed.
    fn settle(&self, actions: &mut Vec<Action>) {
        if !self.is_trial {
            actions.push(Action::Settle);
        }
    }
}
