//! What the machine is told, and what it says to do.

use std::time::Duration;

use crate::sys::children::{End, Pid};
use crate::sys::signal::Signal;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A signal was sent to escrun.
    Signal {
        /// Which.
        signal: Signal,
        /// Whether it is from the terminal itself.
        by_kernel: bool,
        /// What sigqueue(3) gave with it.
        value: Option<u64>,
    },
    /// A child, or an adopted one, has ended and is reaped.
    Ended(Pid, End),
    /// A child was stopped.
    Stopped(Pid, Signal),
    /// A child goes on.
    Continued(Pid),
    /// There are no children any more.
    Childless,
    /// Time is up.
    Elapsed(Timer),
    /// What [`Action::Start`] started.
    Started(Pid),
    /// Nothing, because it could not be; this status says why.
    NotStarted(u8),
    /// A command that was waited for is up.
    Ready(Pid),
    /// Files that went into the values have changed.
    FilesChanged,
    /// A daemon has told of new values, or what it gave before may not be used much longer.
    DaemonTold,
    /// Values were composed anew, or were not.
    Resolved(Verdict),
}

/// What values that were composed anew come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There are none.
    Failed,
    /// They are the same.
    Same,
    /// The running command is told of them, or is not to know.
    Tell,
    /// The command has to be started anew.
    Restart,
}

/// What time is measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// How long stopping may take.
    Stop,
    /// When to kill again.
    Kill,
    /// When to start again.
    Start,
    /// From when on a command that ends has not failed at once.
    Settled,
    /// How long a command may take to be up.
    Ready,
    /// How long a command with new values must live to count as up, if nothing else tells.
    Probation,
    /// How long composing anew may take.
    Resolve,
    /// How long the old command of two may take to stop.
    Retire,
    /// Until when an end is put down to what was typed.
    Interrupt,
}

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a signal, with the value that came with it.
    Send {
        /// To whom.
        to: Whom,
        /// Which.
        signal: Signal,
        /// For sigqueue(3).
        value: Option<u64>,
    },
    /// Kill everything, whatever it does about it.
    KillEverything,
    /// Kill what escrun itself has started besides commands.
    KillHelpers,
    /// Have [`Event::Elapsed`] come after this time, instead of at any earlier set one.
    Arm(Timer, Duration),
    /// Have it not come.
    Disarm(Timer),
    /// Stop escrun itself as this signal does; goes on when it is continued.
    StopSelf(Signal),
    /// Let the command have the terminal, if escrun has it.
    GiveTerminal,
    /// Have the terminal back.
    TakeTerminal,
    /// Start the command with the current values; then tell [`Event::Started`] or [`Event::NotStarted`].
    Start,
    /// Have [`Event::Ready`] come when this command is up.
    Await(Pid),
    /// Wait for that no more.
    StopAwaiting,
    /// Compose anew; [`Event::Resolved`] tells of the end.
    Resolve,
    /// Break that off.
    AbortResolving,
    /// Make what was composed anew the current values; keep the earlier ones if none are kept.
    Adopt,
    /// Forget what was composed anew.
    Discard,
    /// Tell the running command of the current values as the rules have it.
    Tell,
    /// Forget the earlier values: the current ones are good.
    Settle,
    /// Make the earlier values the current ones again.
    RollBack,
    /// Tell the user.
    Note(Note),
    /// End, reporting this.
    Finish(End),
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The command alone.
    Command,
    /// The command and what is in its process group.
    Group,
    /// The other of two commands alone.
    Other(Pid),
    /// The other of two commands and what is in its process group.
    OthersGroup(Pid),
    /// Everything that descends from a command.
    Everything,
}

/// Something that the user is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The command is started again after this time, for the so manieth time in a row; 0 if it had lived long enough.
    Restarting(Duration, u32),
    /// It has failed too often in a row.
    GivenUp,
    /// It is not up in time.
    NotReady,
    /// With the new values it did not come up, so it has the earlier ones again.
    RolledBack,
    /// It is started anew because of new values.
    Changed,
    /// Composing anew took too long.
    ResolvingTimedOut,
}
