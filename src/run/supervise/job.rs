//! What a supervisor does about signals: what they mean for the terminal, whom they go to, and stopping as the command
//! does.

use super::family::{kill_descendants, signal_descendants};
use super::leader::{TO_BACKGROUND, TO_FOREGROUND};
use super::machine::{Event, Whom};
use super::supervisor::Supervisor;
use super::terminal::is_orphaned;
use crate::sys::signal::{Received, Signal, Target, is_pending, queue, send, suffer};

impl Supervisor {
    /// Tells of a signal, after what it means for the terminal.
    pub(super) fn signal(&mut self, received: Received) {
        let Received { signal, value, .. } = received;
        let mut by_kernel = received.by_kernel;
        if signal == Signal::WINCH && by_kernel {
            self.masking.resize();
            if self.masking.has_session() {
                return;
            }
            // The command had it before its terminal had the size.
            by_kernel = !self.masking.has_outputs();
        }
        if signal == Signal::CONT || self.masking.has_come_forward() {
            self.resume();
        }
        self.tell(Event::Signal {
            signal,
            by_kernel,
            value,
        });
    }

    /// Stops as the command did, and goes on.
    pub(super) fn stop(&mut self, signal: Signal) {
        // Stopping would discard the one, and keep the other from being heard.
        if is_pending(Signal::CONT) || is_pending(Signal::TERM) {
            return;
        }
        let Some(leader) = self.leader() else {
            self.masking.pause();
            suffer(signal);
            return;
        };
        // If it stopped because it read in what has become the foreground, it just goes on.
        if !self.masking.has_come_forward() {
            // The leader hides which signal it was.
            let signal = if self.masking.is_typed_at() {
                Signal::TSTP
            } else {
                Signal::TTIN
            };
            self.masking.pause();
            suffer(signal);
        }
        self.resume();
        // Who could not be stopped has nobody who would continue it.
        let _ = send(Target::Process(leader), Signal::CONT);
    }

    /// Has terminals as they are while this process runs.
    fn resume(&mut self) {
        self.masking.resume();
        if let Some(leader) = self.leader() {
            // If this process cannot be stopped for reading, the command waits for its turn instead.
            let reads = self.masking.is_typed_at() || is_orphaned();
            let place = if reads { TO_FOREGROUND } else { TO_BACKGROUND };
            // Who is gone needs no place.
            let _ = send(Target::Process(leader), place);
        }
    }

    /// Sends a signal. That there is nobody any more is no fault: the end of the command is on its way then.
    pub(super) fn send(&self, to: Whom, signal: Signal, value: Option<u64>) {
        // Nobody else knows when the terminal is ready.
        if let (Whom::Group, Signal::CONT, Some(leader)) = (to, signal, self.leader()) {
            let _ = send(Target::Process(leader), signal);
            return;
        }
        let command = self.command();
        let other = |watched| self.command_of(watched);
        let _ = match (to, value) {
            (Whom::Command, Some(value)) => queue(command, signal, value),
            (Whom::Command, None) => send(Target::Process(command), signal),
            (Whom::Group, _) if !self.setting.shares_group => send(Target::Group(command), signal),
            (Whom::OthersGroup(watched), _) if !self.setting.shares_group => {
                send(Target::Group(other(watched)), signal)
            }
            (Whom::Other(watched) | Whom::OthersGroup(watched), _) => {
                send(Target::Process(other(watched)), signal)
            }
            (Whom::Everything, _) if self.ends_all() => send(Target::Everybody, signal),
            (Whom::Group | Whom::Everything, _) => {
                signal_descendants(signal);
                Ok(())
            }
        };
    }

    /// Kills all that descends from the command, by every way that there is: what one does not reach, another may. So it
    /// is no fault if one fails.
    pub(super) fn kill_everything(&self) {
        if let Some(cgroup) = &self.cgroup {
            let _ = cgroup.kill();
        }
        if self.ends_all() {
            let _ = send(Target::Everybody, Signal::KILL);
        } else {
            if !self.setting.shares_group {
                let _ = send(Target::Group(self.command()), Signal::KILL);
            }
            kill_descendants();
        }
    }

    /// Whether all processes of the namespace end. What was put into a container from outside does not end with a command
    /// that is started again.
    fn ends_all(&self) -> bool {
        self.setting.is_first && self.machine.is_ending()
    }
}
