//! A connection's other end, asked anew for every request.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::Instant;

use super::sightings::{Sighting, Sightings, Subject};
use super::{Membership, NOBODY, Peer};
use crate::sys::fs::describe;
use crate::sys::namespace::Mapping;
use crate::sys::peer::{PeerProcess, Unknown};

/// Who has connected. Lives as long as the connection.
#[derive(Debug)]
pub struct Caller {
    process: PeerProcess,
    group: u32,
    groups: Vec<u32>,
}

/// Why a peer is refused, whatever it asks for.
#[derive(Debug)]
pub enum PeerError {
    /// It has ended. Somebody else may hold its connection.
    Gone,
    /// It acts as another user or group than when it connected.
    Changed,
    /// Its user is none of the daemon's user namespace: all such users look the same.
    Foreign,
    /// The kernel does not tell who it is.
    Unknown(io::Error),
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the process that has connected has ended"),
            Self::Changed => {
                f.write_str("the process that has connected acts as another user or group by now")
            }
            Self::Foreign => f.write_str("the peer's user is none of this user namespace"),
            Self::Unknown(error) => write!(f, "the peer is not to be told: {}", describe(error)),
        }
    }
}

impl std::error::Error for PeerError {}

impl From<Unknown> for PeerError {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Gone => Self::Gone,
            Unknown::Changed => Self::Changed,
            Unknown::Io(error) => Self::Unknown(error),
        }
    }
}

impl Caller {
    /// The process that has connected the other end of `socket`.
    ///
    /// # Errors
    /// When it is refused.
    pub fn of(socket: &impl AsFd) -> Result<Self, PeerError> {
        let process = PeerProcess::of(socket)?;
        let (users, groups) = (
            mapping(&USERS, Mapping::users)?,
            mapping(&GROUPS, Mapping::groups)?,
        );
        if !users.tells(process.user()) {
            return Err(PeerError::Foreign);
        }
        let told = |group: &u32| groups.tells(*group);
        Ok(Self {
            group: Some(process.group()).filter(told).unwrap_or(NOBODY),
            groups: process.groups().iter().copied().filter(told).collect(),
            process,
        })
    }

    /// Whether [`Caller::of`] gives the same process again at any later time, so that it need not be kept, with the
    /// descriptor that it is.
    pub fn can_be_had_again(&self) -> bool {
        self.process.can_be_had_again()
    }

    /// The user that it acted as when it connected.
    pub fn user(&self) -> u32 {
        self.process.user()
    }

    /// What is true of it now. What it is part of where the kernel has no number for that, and how it looks, may be as old as
    /// [`Sightings`] keep it.
    ///
    /// # Errors
    /// When it is refused.
    pub fn peer(&self) -> Result<Peer, PeerError> {
        let Sighting {
            membership,
            executable,
            name,
        } = self.sighting()?;
        Ok(Peer {
            user: self.process.user(),
            group: self.group,
            groups: self.groups.clone(),
            pid: self.process.pid().map(|pid| pid.number()),
            unit: membership.unit,
            user_unit: membership.user_unit,
            cgroup: membership.path,
            executable,
            name,
        })
    }

    fn sighting(&self) -> Result<Sighting, PeerError> {
        let user = self.process.user();
        let mark = self.process.check_unchanged()?;
        let subject = mark.map(|mark| Subject { mark, user });
        let now = Instant::now();
        if let Some(sighting) = subject.and_then(|subject| SIGHTINGS.of(subject, now)) {
            self.process.check_alive()?;
            return Ok(sighting);
        }
        let look = self.process.look()?;
        let sighting = Sighting {
            membership: look
                .control_groups
                .map_or_else(Membership::default, |text| Membership::read(&text, user)),
            executable: look.executable,
            name: look.name.map(String::into_boxed_str),
        };
        if let Some(subject) = subject {
            SIGHTINGS.keep(subject, now, sighting.clone(), self.process.hold());
        }
        Ok(sighting)
    }
}

/// Forgets who has not been seen for a while. Does not end. Must run within the runtime.
pub async fn forget_unseen() {
    SIGHTINGS.tend().await;
}

/// What was seen of peers a moment ago.
static SIGHTINGS: Sightings = Sightings::new();

/// What this process's user namespace shows; it stays the same for its whole life.
static USERS: OnceLock<Mapping> = OnceLock::new();
static GROUPS: OnceLock<Mapping> = OnceLock::new();

fn mapping(
    known: &'static OnceLock<Mapping>,
    read: fn() -> io::Result<Mapping>,
) -> Result<&'static Mapping, PeerError> {
    if let Some(mapping) = known.get() {
        return Ok(mapping);
    }
    let mapping = read().map_err(PeerError::Unknown)?;
    Ok(known.get_or_init(|| mapping))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_process_knows_itself() {
        let (one, _other) = UnixStream::pair().expect("a pair");
        let caller = Caller::of(&one).expect("it is this process");
        let peer = caller.peer().expect("it lives");
        assert_eq!(peer.user, crate::sys::fs::effective_user());
        assert_eq!(peer.pid, i32::try_from(std::process::id()).ok());
        assert!(peer.cgroup.is_some_and(|path| path.starts_with('/')));
        assert_eq!(peer.executable, std::env::current_exe().ok());
    }
}
