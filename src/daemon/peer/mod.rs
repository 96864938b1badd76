//! Who asks, by the kernel's word alone.

mod caller;
mod control_group;
mod sightings;

use std::path::PathBuf;

pub use caller::{Caller, PeerError, forget_unseen};
pub use control_group::Membership;
pub(super) use control_group::{UNIT_KINDS, is_unit};

/// What the kernel says of the process that has connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its user, when it connected.
    pub user: u32,
    /// Its group; [`NOBODY`] if that is none of this user namespace.
    pub group: u32,
    /// Its supplementary groups, without those that are none of this user namespace.
    pub groups: Vec<u32>,
    /// Its number; none if it is of a process namespace that cannot be seen from here. Nothing is known of its control
    /// group then.
    pub pid: Option<i32>,
    /// The systemd unit of the system's manager that it is part of.
    pub unit: Option<Box<str>>,
    /// The unit of its user's own manager, which that user may choose freely.
    pub user_unit: Option<Box<str>>,
    /// The path of its control group, as this process sees it; none if that is not known, so that the units are not either.
    pub cgroup: Option<Box<str>>,
    /// Its program; for the audit only, since any process can change it.
    pub executable: Option<PathBuf>,
    /// Its name; for the audit only.
    pub name: Option<Box<str>>,
}

/// The user who looks after the machine, and may do everything to it.
pub const ROOT: u32 = 0;

/// The number that no user and no group has.
pub const NOBODY: u32 = u32::MAX;

impl Peer {
    /// Whether it is known what the process is part of: its control group lies where this process can see it.
    pub fn is_placed(&self) -> bool {
        self.cgroup
            .as_deref()
            .is_some_and(|path| !control_group::is_outside(path))
    }
}
