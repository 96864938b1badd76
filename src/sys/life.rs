//! Which process it was: a number comes to mean another one when the first has ended, but not with the same start.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::str::FromStr;

use super::children::Pid;

/// A process of a namespace, told apart from all that had or will have its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The inode of the process namespace.
    namespace: u64,
    pid: Pid,
    /// When it started, in clock ticks since the system did; 0 where that is not known.
    start: u64,
}

/// What is known of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It runs.
    Alive,
    /// It has ended.
    Over,
    /// It is none of this namespace.
    Elsewhere,
}

impl Life {
    /// The process that has the number `pid` now.
    pub fn of(pid: Pid) -> Self {
        Self {
            namespace: namespace(),
            pid,
            start: start(pid).ok().flatten().unwrap_or(0),
        }
    }

    /// The beginning of what [`Life::from_str`] reads, to which a process of this namespace only has to append its number:
    /// all that it can do between fork and exec. When it started is not known then.
    pub fn prefix() -> String {
        format!("{} ", namespace())
    }

    /// What has become of it.
    pub fn existence(self) -> Existence {
        if self.namespace != namespace() {
            return Existence::Elsewhere;
        }
        match start(self.pid) {
            Ok(Some(start)) if start == self.start || self.start == 0 => Existence::Alive,
            Ok(_) => Existence::Over,
            // Without /proc, or where it hides what belongs to others (proc(5), hidepid), there is only whether the number
            // is anybody's.
            // SAFETY: takes numbers only, and sends nothing.
            Err(_) => match unsafe { libc::kill(self.pid.number(), 0) } {
                0 => Existence::Alive,
                _ if io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH) => {
                    Existence::Over
                }
                _ => Existence::Alive,
            },
        }
    }
}

/// As text, for [`Life::from_str`].
impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.namespace, self.pid, self.start)
    }
}

impl FromStr for Life {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let mut numbers = text.split_ascii_whitespace();
        let mut next = || numbers.next().and_then(|number| number.parse::<u64>().ok());
        let mut read = || {
            Some(Self {
                namespace: next()?,
                pid: Pid::from_number(i32::try_from(next()?).ok()?)?,
                start: next().unwrap_or(0),
            })
        };
        read().ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// The process namespace of this process; 0 where it cannot be told.
fn namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |metadata| metadata.ino())
}

/// When a process started (proc_pid_stat(5), field 22); none if it is dead and not reaped.
fn start(pid: Pid) -> io::Result<Option<u64>> {
    let stat = fs::read(format!("/proc/{pid}/stat"))?;
    Ok(parse(&stat))
}

/// The start in the text of /proc/PID/stat. The name in parentheses may hold any byte.
fn parse(stat: &[u8]) -> Option<u64> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = str::from_utf8(&stat[end + 1..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    // The state is field 3.
    let start = fields.nth(18)?;
    (!matches!(state, "Z" | "X")).then(|| start.parse().ok())?
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_life_has_an_end() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("a process");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_number);
        let life = Life::of(pid.expect("positive"));
        assert_eq!(life.existence(), Existence::Alive);
        child.kill().expect("it can be killed");
        child.wait().expect("it can be reaped");
        assert_eq!(life.existence(), Existence::Over);
        let elsewhere = Life {
            namespace: 1,
            ..life
        };
        assert_eq!(elsewhere.existence(), Existence::Elsewhere);
        let earlier = Life {
            start: 1,
            ..Life::of(Pid::own())
        };
        assert_eq!(earlier.existence(), Existence::Over);
    }

    #[test]
    fn lives_are_read_as_they_are_written() {
        let life = Life::of(Pid::own());
        assert_eq!(life.to_string().parse::<Life>().ok(), Some(life));
        let signed = format!("{}{}", Life::prefix(), Pid::own());
        let signed: Life = signed.parse().expect("a life");
        assert_eq!(signed.existence(), Existence::Alive);
        assert!(Life::prefix().parse::<Life>().is_err());
        for text in ["", "1 -2 3", "1 0 3", "1 x 3", "99999999999999999999 1 1"] {
            assert!(text.parse::<Life>().is_err(), "{text}");
        }
    }

    #[test]
    fn stat_is_read_behind_any_name() {
        let rest = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        for (stat, expected) in [
            (format!("12 (sh) S {rest}"), Some(4711)),
            (format!("12 (a) R (b\n) R {rest}"), Some(4711)),
            (format!("12 (sh) Z {rest}"), None),
            ("12 (sh) S 1 2".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(parse(stat.as_bytes()), expected, "{stat}");
        }
    }
}
