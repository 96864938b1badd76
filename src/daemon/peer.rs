//! Who asks, by the kernel's word alone.

use std::path::PathBuf;

/// What the kernel says of the process that has connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its user, when it connected.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Its supplementary groups.
    pub groups: Vec<u32>,
    /// Its number; none if it is of another namespace.
    pub pid: Option<i32>,
    /// The systemd unit of the system's manager that it is part of.
    pub unit: Option<Box<str>>,
    /// The unit of its user's own manager, which that user may choose freely.
    pub user_unit: Option<Box<str>>,
    /// The path of its control group, as this process sees it.
    pub cgroup: Option<Box<str>>,
    /// Its program; for the audit only, since any process can change it.
    pub executable: Option<PathBuf>,
    /// Its name; for the audit only.
    pub name: Option<Box<str>>,
}
