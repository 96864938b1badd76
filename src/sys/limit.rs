//! Limits of resources (getrlimit(2)).

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::check::check;

/// What can be limited, by the names of getrlimit(2) in lower case and without `RLIMIT_`.
#[cfg(target_os = "linux")]
#[allow(
    clippy::unnecessary_cast,
    reason = "other C libraries number them with signs"
)]
const RESOURCES: [(&str, u32); 16] = [
    ("as", libc::RLIMIT_AS as u32),
    ("core", libc::RLIMIT_CORE as u32),
    ("cpu", libc::RLIMIT_CPU as u32),
    ("data", libc::RLIMIT_DATA as u32),
    ("fsize", libc::RLIMIT_FSIZE as u32),
    ("locks", libc::RLIMIT_LOCKS as u32),
    ("memlock", libc::RLIMIT_MEMLOCK as u32),
    ("msgqueue", libc::RLIMIT_MSGQUEUE as u32),
    ("nice", libc::RLIMIT_NICE as u32),
    ("nofile", libc::RLIMIT_NOFILE as u32),
    ("nproc", libc::RLIMIT_NPROC as u32),
    ("rss", libc::RLIMIT_RSS as u32),
    ("rtprio", libc::RLIMIT_RTPRIO as u32),
    ("rttime", libc::RLIMIT_RTTIME as u32),
    ("sigpending", libc::RLIMIT_SIGPENDING as u32),
    ("stack", libc::RLIMIT_STACK as u32),
];

/// What can be limited, by the names of getrlimit(2) in lower case and without `RLIMIT_`.
#[cfg(not(target_os = "linux"))]
const RESOURCES: [(&str, u32); 9] = [
    ("as", libc::RLIMIT_AS as u32),
    ("core", libc::RLIMIT_CORE as u32),
    ("cpu", libc::RLIMIT_CPU as u32),
    ("data", libc::RLIMIT_DATA as u32),
    ("fsize", libc::RLIMIT_FSIZE as u32),
    ("memlock", libc::RLIMIT_MEMLOCK as u32),
    ("nofile", libc::RLIMIT_NOFILE as u32),
    ("nproc", libc::RLIMIT_NPROC as u32),
    ("stack", libc::RLIMIT_STACK as u32),
];

/// The value that is no limit.
pub const UNLIMITED: u64 = libc::RLIM_INFINITY;

/// Something that can be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource(u32);

/// What cannot be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoResource;

impl Resource {
    /// The stack, by which the kernel also measures what execve(2) takes.
    #[allow(clippy::unnecessary_cast, reason = "as above")]
    pub const STACK: Self = Self(libc::RLIMIT_STACK as u32);

    /// How many descriptors there may be.
    #[allow(clippy::unnecessary_cast, reason = "as above")]
    pub const DESCRIPTORS: Self = Self(libc::RLIMIT_NOFILE as u32);

    /// How much memory may be locked, in bytes.
    #[allow(clippy::unnecessary_cast, reason = "as above")]
    pub const LOCKED_MEMORY: Self = Self(libc::RLIMIT_MEMLOCK as u32);

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        RESOURCES.iter().map(|(name, _)| *name)
    }

    /// Its limit in this process.
    ///
    /// # Errors
    /// Those of getrlimit(2).
    pub fn limit(self) -> io::Result<Limit> {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: fills a limit of ours.
        check(unsafe { libc::getrlimit(self.0 as _, &mut limit) })?;
        Ok(Limit {
            resource: self,
            soft: limit.rlim_cur,
            hard: limit.rlim_max,
        })
    }

    /// Raises what holds for this process, and for what it starts, as far as it may; gives what holds then.
    ///
    /// # Errors
    /// Those of getrlimit(2) and setrlimit(2).
    pub fn raise(self) -> io::Result<u64> {
        let limit = self.limit()?;
        let raised = Limit {
            soft: limit.hard,
            ..limit
        };
        raised.impose()?;
        Ok(raised.soft)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match RESOURCES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "resource {}", self.0),
        }
    }
}

impl FromStr for Resource {
    type Err = NoResource;

    fn from_str(text: &str) -> Result<Self, NoResource> {
        let known = RESOURCES.iter().find(|(name, _)| *name == text);
        known.map(|(_, number)| Self(*number)).ok_or(NoResource)
    }
}

/// How much of a resource a process may have: bytes, seconds or a count, as getrlimit(2) says for each; [`UNLIMITED`] is
/// any amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What is limited.
    pub resource: Resource,
    /// What holds.
    pub soft: u64,
    /// How far the process may raise what holds.
    pub hard: u64,
}

impl Limit {
    /// Makes it the limit of this process. Async-signal-safe.
    ///
    /// # Errors
    /// Those of setrlimit(2).
    pub(super) fn impose(&self) -> io::Result<()> {
        let limit = libc::rlimit {
            rlim_cur: self.soft,
            rlim_max: self.hard,
        };
        // SAFETY: the limit lives through the call.
        check(unsafe { libc::setrlimit(self.resource.0 as _, &limit) })
    }
}

/// As it is typed: `nofile=1024:4096`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.resource)?;
        write_amount(f, self.soft)?;
        if self.hard != self.soft {
            f.write_str(":")?;
            write_amount(f, self.hard)?;
        }
        Ok(())
    }
}

fn write_amount(f: &mut fmt::Formatter<'_>, amount: u64) -> fmt::Result {
    match amount {
        UNLIMITED => f.write_str("unlimited"),
        amount => write!(f, "{amount}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_has_a_limit_and_a_name() {
        for name in Resource::names() {
            let resource: Resource = name.parse().expect("its own name");
            assert_eq!(resource.to_string(), name);
            let limit = resource.limit().expect("a limit");
            assert!(limit.soft <= limit.hard, "{limit}");
        }
        assert_eq!("NOFILE".parse::<Resource>(), Err(NoResource));
    }

    #[test]
    fn limits_are_shown_as_they_are_typed() {
        let resource = "nofile".parse().expect("a resource");
        for (soft, hard, text) in [
            (1, 2, "nofile=1:2"),
            (1, 1, "nofile=1"),
            (1, UNLIMITED, "nofile=1:unlimited"),
            (UNLIMITED, UNLIMITED, "nofile=unlimited"),
        ] {
            let limit = Limit {
                resource,
                soft,
                hard,
            };
            assert_eq!(limit.to_string(), text);
        }
    }
}
