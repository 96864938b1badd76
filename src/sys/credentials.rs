//! As whom a process acts: users, groups and capabilities (credentials(7), capabilities(7)).
//!
//! On Linux each call changes the calling thread alone, where the C library would have every thread follow: a child has no
//! other thread, and execve(2) ends those that there are.

use std::io;

use super::check::check;

#[cfg(target_os = "linux")]
mod capabilities;

/// The highest id that a user or a group can have: the one above says "none" to the kernel.
pub const LAST_ID: u32 = u32::MAX - 1;

/// What this process may become, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The real, the effective and the saved user id.
    pub users: [u32; 3],
    /// The real, the effective and the saved group id.
    pub groups: [u32; 3],
    /// The supplementary groups, in the system's order.
    pub supplementary: Vec<u32>,
    /// Whether it may become any user (CAP_SETUID).
    pub may_change_user: bool,
    /// Whether it may become any group and have any supplementary ones (CAP_SETGID).
    pub may_change_groups: bool,
    /// Whether it may raise hard limits (CAP_SYS_RESOURCE).
    pub may_raise_limits: bool,
}

impl Credentials {
    /// Those of this process.
    ///
    /// # Errors
    /// Those of getresuid(2), getresgid(2), getgroups(2) and capget(2).
    pub fn now() -> io::Result<Self> {
        let supplementary = supplementary()?;
        let rights = rights()?;
        Ok(Self {
            users: users()?,
            groups: groups()?,
            supplementary,
            may_change_user: rights[0],
            may_change_groups: rights[1],
            may_raise_limits: rights[2],
        })
    }

    /// The user that it acts as.
    pub fn user(&self) -> u32 {
        self.users[1]
    }

    /// The group that it acts as.
    pub fn group(&self) -> u32 {
        self.groups[1]
    }
}

/// Whether users, groups and limits may be changed at will.
#[cfg(target_os = "linux")]
fn rights() -> io::Result<[bool; 3]> {
    use capabilities::{SETGID, SETUID, SYS_RESOURCE};
    let effective = capabilities::effective()?;
    Ok([SETUID, SETGID, SYS_RESOURCE].map(|capability| effective & (1 << capability) != 0))
}

#[cfg(not(target_os = "linux"))]
fn rights() -> io::Result<[bool; 3]> {
    Ok([super::fs::effective_user() == 0; 3])
}

/// Becomes `user` for good: real, effective and saved. Who was another one before has no capabilities afterwards, and cannot
/// be root again, which is tried. Async-signal-safe.
///
/// # Errors
/// Those of setresuid(2) and capset(2); ENOTRECOVERABLE if root could be regained.
pub(super) fn become_user(user: u32) -> io::Result<()> {
    if users()? == [user; 3] {
        return Ok(());
    }
    change_user(user)?;
    if user == 0 {
        return Ok(());
    }
    // The kernel does so by itself, unless securebits (SECBIT_NO_SETUID_FIXUP) keep it from that.
    #[cfg(target_os = "linux")]
    capabilities::give_up()?;
    let root_again = change_user(0).is_ok() || (groups()?[1] != 0 && change_group(0).is_ok());
    if root_again || users()? != [user; 3] {
        return Err(io::Error::from_raw_os_error(libc::ENOTRECOVERABLE));
    }
    Ok(())
}

/// Becomes `group` for good: real, effective and saved. Async-signal-safe.
///
/// # Errors
/// Those of setresgid(2).
pub(super) fn become_group(group: u32) -> io::Result<()> {
    change_group(group)
}

#[cfg(target_os = "linux")]
mod calls {
    // The plain ones have ids of 16 bits there (getresuid(2), "C library/kernel differences").
    #[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
    pub(super) use libc::{
        SYS_setgroups as SET_GROUPS, SYS_setresgid as SET_GROUP, SYS_setresuid as SET_USER,
    };
    #[cfg(any(target_arch = "x86", target_arch = "arm"))]
    pub(super) use libc::{
        SYS_setgroups32 as SET_GROUPS, SYS_setresgid32 as SET_GROUP, SYS_setresuid32 as SET_USER,
    };
}

#[cfg(target_os = "linux")]
fn change_user(user: u32) -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::syscall(calls::SET_USER, user, user, user) })
}

#[cfg(target_os = "linux")]
fn change_group(group: u32) -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::syscall(calls::SET_GROUP, group, group, group) })
}

/// Has exactly these supplementary groups. Async-signal-safe.
///
/// # Errors
/// Those of setgroups(2).
#[cfg(target_os = "linux")]
pub(super) fn set_supplementary(groups: &[u32]) -> io::Result<()> {
    // SAFETY: the array lives through the call and has as many entries as it says.
    check(unsafe { libc::syscall(calls::SET_GROUPS, groups.len(), groups.as_ptr()) })
}

/// The three user ids of this process. Async-signal-safe.
#[cfg(target_os = "linux")]
fn users() -> io::Result<[u32; 3]> {
    let mut ids = [0; 3];
    let [real, effective, saved] = &mut ids;
    // SAFETY: the numbers live through the call.
    check(unsafe { libc::getresuid(real, effective, saved) })?;
    Ok(ids)
}

/// The three group ids of this process. Async-signal-safe.
#[cfg(target_os = "linux")]
fn groups() -> io::Result<[u32; 3]> {
    let mut ids = [0; 3];
    let [real, effective, saved] = &mut ids;
    // SAFETY: the numbers live through the call.
    check(unsafe { libc::getresgid(real, effective, saved) })?;
    Ok(ids)
}

/// The supplementary groups of this process.
#[cfg(target_os = "linux")]
fn supplementary() -> io::Result<Vec<u32>> {
    let groups = nix::unistd::getgroups()?;
    Ok(groups.iter().map(|group| group.as_raw()).collect())
}

/// The supplementary groups of this process, which the system may know more of than it tells here.
#[cfg(not(target_os = "linux"))]
fn supplementary() -> io::Result<Vec<u32>> {
    // SAFETY: nothing is written for a length of zero, which asks for the number.
    let count = unsafe { libc::getgroups(0, std::ptr::null_mut()) };
    check(count)?;
    let mut groups = vec![0; count.unsigned_abs() as usize];
    // SAFETY: at most `count` numbers are written, for which there is room.
    let count = unsafe { libc::getgroups(count, groups.as_mut_ptr()) };
    check(count)?;
    groups.truncate(count.unsigned_abs() as usize);
    Ok(groups)
}

// Elsewhere, a privileged setuid(2) changes all three; there is no way to ask for the saved ones.

#[cfg(not(target_os = "linux"))]
fn change_user(user: u32) -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::setuid(user) })
}

#[cfg(not(target_os = "linux"))]
fn change_group(group: u32) -> io::Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::setgid(group) })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn set_supplementary(groups: &[u32]) -> io::Result<()> {
    // SAFETY: the array lives through the call and has as many entries as it says.
    check(unsafe { libc::setgroups(groups.len() as libc::c_int, groups.as_ptr()) })
}

#[cfg(not(target_os = "linux"))]
fn users() -> io::Result<[u32; 3]> {
    // SAFETY: takes nothing and cannot fail.
    let (real, effective) = unsafe { (libc::getuid(), libc::geteuid()) };
    Ok([real, effective, effective])
}

#[cfg(not(target_os = "linux"))]
fn groups() -> io::Result<[u32; 3]> {
    // SAFETY: takes nothing and cannot fail.
    let (real, effective) = unsafe { (libc::getgid(), libc::getegid()) };
    Ok([real, effective, effective])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_who_it_is() {
        let credentials = Credentials::now().expect("credentials");
        assert_eq!(credentials.user(), crate::sys::fs::effective_user());
        assert_eq!(
            credentials.group(),
            nix::unistd::getegid().as_raw(),
            "{credentials:?}"
        );
    }

    #[test]
    fn who_stays_the_same_needs_no_right() {
        let credentials = Credentials::now().expect("credentials");
        if credentials.users == [credentials.user(); 3] {
            become_user(credentials.user()).expect("nothing changes");
        }
    }
}
