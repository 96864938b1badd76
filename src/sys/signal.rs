//! Signals: their numbers and names, blocking them, taking them from a descriptor, and sending them.
//!
//! The C library keeps two or three real-time signals for itself and hides them from masks. An init forwards these as
//! well, so masks are set by the system call itself.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
mod receiver;

#[cfg(target_os = "linux")]
pub use receiver::{Received, Receiver};

use super::check::check;
use super::children::Pid;

/// The highest number of a signal (signal(7): `_NSIG`).
const LAST: u8 = 64;

/// The first real-time signal, as glibc, systemd and kill(1) count: musl, which keeps one more for itself, differs.
const REAL_TIME: u8 = 34;

/// The names of the standard signals of Linux (signal(7), "Standard signals"), by number from 1.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Other names of some.
const ALIASES: [(&str, u8); 4] = [("IOT", 6), ("CLD", 17), ("POLL", 29), ("UNUSED", 31)];

/// The number of a signal, from 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Signal(u8);

impl TryFrom<u8> for Signal {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::from_number(number.into()).ok_or("no signal has such a number")
    }
}

impl Signal {
    /// Hangup of the terminal.
    pub const HUP: Self = Self(1);
    /// Interrupt from the keyboard.
    pub const INT: Self = Self(2);
    /// Quit from the keyboard.
    pub const QUIT: Self = Self(3);
    /// Cannot be caught.
    pub const KILL: Self = Self(9);
    /// For whatever a program likes.
    pub const USR1: Self = Self(10);
    /// For whatever a program likes.
    pub const USR2: Self = Self(12);
    /// The polite request to end.
    pub const TERM: Self = Self(15);
    /// A child has changed.
    pub const CHLD: Self = Self(17);
    /// Go on.
    pub const CONT: Self = Self(18);
    /// Cannot be caught.
    pub const STOP: Self = Self(19);
    /// Stop from the keyboard.
    pub const TSTP: Self = Self(20);
    /// A background process reads the terminal.
    pub const TTIN: Self = Self(21);
    /// A background process writes to the terminal.
    pub const TTOU: Self = Self(22);
    /// A file would become larger than a limit says.
    pub const XFSZ: Self = Self(25);
    /// The terminal's window has another size.
    pub const WINCH: Self = Self(28);

    /// The signal of this number, if there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        let number = u8::try_from(number).ok()?;
        (1..=LAST).contains(&number).then_some(Self(number))
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Whether the kernel sends it for what happens at the terminal.
    pub fn is_of_terminal(self) -> bool {
        matches!(
            self,
            Self::HUP | Self::INT | Self::QUIT | Self::TSTP | Self::TTIN | Self::TTOU | Self::WINCH
        )
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0) - 1) {
            Some(name) => write!(f, "SIG{name}"),
            None if self.0 == REAL_TIME => f.write_str("SIGRTMIN"),
            None if self.0 > REAL_TIME => write!(f, "SIGRTMIN+{}", self.0 - REAL_TIME),
            None => write!(f, "signal {}", self.0),
        }
    }
}

/// What is no signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSignal;

impl FromStr for Signal {
    type Err = NoSignal;

    /// Understands `15`, `TERM`, `SIGTERM`, `RTMIN+3` and `RTMAX-1`, in either case.
    fn from_str(text: &str) -> Result<Self, NoSignal> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some(index) = NAMES.iter().position(|known| *known == name) {
            return u8::try_from(index + 1).map(Self).map_err(|_| NoSignal);
        }
        if let Some((_, number)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
            return Ok(Self(*number));
        }
        let offset = |text: &str, sign: char| -> Option<i32> {
            match text {
                "" => Some(0),
                _ => text.strip_prefix(sign)?.parse().ok(),
            }
        };
        let number = if let Some(rest) = name.strip_prefix("RTMIN") {
            offset(rest, '+').map(|offset| i32::from(REAL_TIME).saturating_add(offset))
        } else if let Some(rest) = name.strip_prefix("RTMAX") {
            offset(rest, '-')
                .map(|offset| i32::from(LAST).saturating_sub(offset))
                .filter(|number| *number >= i32::from(REAL_TIME))
        } else {
            name.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| name.parse().ok())
                .flatten()
        };
        number.and_then(Self::from_number).ok_or(NoSignal)
    }
}

/// The mask of a thread, all 64 signals of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mask(u64);

impl Mask {
    /// Every signal that can be blocked.
    pub const ALL: Self = Self(u64::MAX);

    /// These signals.
    pub fn of(signals: &[Signal]) -> Self {
        Self(
            signals
                .iter()
                .fold(0, |mask, signal| mask | 1 << (signal.0 - 1)),
        )
    }

    /// The signals of both.
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The mask of this thread.
    pub fn now() -> Self {
        change_mask(libc::SIG_BLOCK, Self(0))
    }

    /// Makes this the mask of this thread; gives what it was. Async-signal-safe.
    pub fn impose(self) -> Self {
        change_mask(libc::SIG_SETMASK, self)
    }
}

/// Whether a blocked signal waits for this process.
pub fn is_pending(signal: Signal) -> bool {
    let mut pending = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set is ours, and all zeroes are an empty one where the call fails.
    unsafe {
        libc::sigpending(pending.as_mut_ptr());
        libc::sigismember(pending.as_ptr(), libc::c_int::from(signal.0)) == 1
    }
}

/// rt_sigprocmask(2) itself, which knows no reserved signals.
#[cfg(target_os = "linux")]
fn change_mask(how: libc::c_int, mask: Mask) -> Mask {
    let mut before = Mask(0);
    // SAFETY: both masks live through the call and are as long as is said.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            how,
            &raw const mask.0,
            &raw mut before.0,
            size_of::<u64>(),
        );
    }
    before
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One process.
    Process(Pid),
    /// A process group, by the process that leads it.
    Group(Pid),
    /// Every process that this one may signal, except itself and, elsewhere than in a namespace, process 1.
    Everybody,
}

/// Sends a signal.
///
/// # Errors
/// Those of kill(2).
pub fn send(target: Target, signal: Signal) -> io::Result<()> {
    let pid = match target {
        Target::Process(pid) => pid.number(),
        Target::Group(pid) => -pid.number(),
        Target::Everybody => -1,
    };
    // SAFETY: takes numbers only.
    check(unsafe { libc::kill(pid, libc::c_int::from(signal.0)) })
}

/// Sends a signal with the value that came with another (sigqueue(3)).
///
/// # Errors
/// Those of sigqueue(3).
#[cfg(target_os = "linux")]
pub fn queue(pid: Pid, signal: Signal, value: u64) -> io::Result<()> {
    let value = libc::sigval {
        sival_ptr: value as usize as *mut libc::c_void,
    };
    // SAFETY: takes numbers only: nobody looks behind the pointer.
    check(unsafe { libc::sigqueue(pid.number(), libc::c_int::from(signal.0), value) })
}

/// Lets this process have `signal` with its default effect, as if there were no mask. Returns if it outlives that: when
/// it was stopped and goes on, or when the kernel ignores the signal for it.
pub fn suffer(signal: Signal) {
    let number = libc::c_int::from(signal.0);
    // SAFETY: the default disposition calls no code of ours; the rest takes numbers only.
    unsafe {
        if signal != Signal::KILL && signal != Signal::STOP {
            libc::signal(number, libc::SIG_DFL);
        }
        let mask = Mask(!(1 << (signal.0 - 1)));
        libc::kill(libc::getpid(), number);
        // A pending signal is delivered before this returns.
        let before = mask.impose();
        before.impose();
    }
}

/// pthread_sigmask(3), as good as it is elsewhere.
#[cfg(not(target_os = "linux"))]
fn change_mask(how: libc::c_int, mask: Mask) -> Mask {
    let numbers = || 1..=31;
    // SAFETY: the sets are ours, and emptied before they are used.
    unsafe {
        let mut wanted = std::mem::zeroed();
        let mut found = std::mem::zeroed();
        libc::sigemptyset(&mut wanted);
        libc::sigemptyset(&mut found);
        for number in numbers().filter(|number| mask.0 & (1 << (number - 1)) != 0) {
            libc::sigaddset(&mut wanted, number);
        }
        libc::pthread_sigmask(how, &wanted, &mut found);
        let blocked = numbers().filter(|number| libc::sigismember(&found, *number) == 1);
        Mask(blocked.fold(0, |mask, number| mask | 1 << (number - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_signals_and_processes_are_read() {
        for (text, is_signal, is_process) in [
            ("-1", false, false),
            ("0", false, false),
            ("1", true, true),
            ("64", true, true),
            ("65", false, true),
            ("2147483648", false, false),
        ] {
            let signal = serde_json::from_str::<Signal>(text);
            assert_eq!(signal.is_ok(), is_signal, "{text}");
            let process = serde_json::from_str::<Pid>(text);
            assert_eq!(process.is_ok(), is_process, "{text}");
        }
    }

    #[test]
    fn masks_hold_what_they_are_made_of() {
        let mask = Mask::of(&[Signal::HUP, Signal::KILL]);
        assert_eq!(mask, Mask(0b1_0000_0001));
        assert_eq!(mask.with(Mask::of(&[Signal::INT])), Mask(0b1_0000_0011));
        assert_eq!(Mask::of(&[Signal(64)]), Mask(1 << 63));
        assert_eq!(mask.with(Mask::ALL), Mask::ALL);
    }

    #[test]
    fn signals_have_names() {
        for (text, number) in [
            ("TERM", 15),
            ("sigterm", 15),
            ("15", 15),
            ("IOT", 6),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("RTMAX", 64),
            ("rtmax-1", 63),
            ("32", 32),
        ] {
            assert_eq!(text.parse(), Ok(Signal(number)), "{text}");
        }
        for text in [
            "", "0", "65", "-1", "+1", "SIG", "TERMX", "RTMIN+31", "RTMAX-31", "RTMIN-1", "256",
        ] {
            assert_eq!(text.parse::<Signal>(), Err(NoSignal), "{text}");
        }
        for number in 1..=LAST {
            let signal = Signal(number);
            let name = signal.to_string();
            let again = name.strip_prefix("signal ").unwrap_or(&name).parse();
            assert_eq!(again, Ok(signal), "{name}");
        }
    }
}
