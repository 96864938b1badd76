//! What a process does to itself before it becomes a program.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::os::fd::RawFd;

use super::children::{self, Pid};
use super::credentials;
use super::limit::Limit;
use super::signal::Signal;
use super::start::{DIGITS, write_number};

use super::check::check;

/// One step. Each is async-signal-safe, so that it can be taken between fork and exec.
#[derive(Clone, Debug)]
pub enum Step {
    /// Leads a process group of its own.
    LeadGroup,
    /// Leads a session of its own, without a terminal.
    LeadSession,
    /// Makes its process group the foreground one of this terminal.
    TakeForeground(RawFd),
    /// Makes this terminal the one of its session, which it leads.
    TakeTerminal(RawFd),
    /// Enters the control group whose `cgroup.procs` this is, open for writing, unless that cannot be: it may be gone,
    /// or take no more.
    EnterCgroup(RawFd),
    /// Dies when its parent does, by this signal. After [`Step::User`], which makes the kernel forget it (prctl(2)).
    DieWithParent(Signal),
    /// Has the file of one descriptor under the number of another, for the program to inherit.
    Place {
        /// The descriptor that there is.
        from: RawFd,
        /// The number that the program finds it under.
        to: RawFd,
    },
    /// Has the program inherit no descriptors but the standard ones.
    KeepStandardDescriptors,
    /// Has this limit. Before [`Step::User`], which may give up the right to raise it.
    Limit(Limit),
    /// Has exactly these supplementary groups.
    Supplementary(Vec<u32>),
    /// Is this group for good. Before [`Step::User`], which gives up the right to it.
    Group(u32),
    /// Is this user for good, without any capability unless it was this user before.
    User(u32),
    /// Writes its process number to this descriptor.
    SignIn(RawFd),
    /// Goes to a folder.
    ChangeFolder(CString),
    /// Has this file mode mask.
    Umask(u32),
    /// Can never gain rights by execve(2).
    NoNewPrivileges,
}

impl Step {
    /// Takes the step. `parent` is the process that forked this one.
    ///
    /// # Errors
    /// Those of the call that it is.
    pub fn take(&self, parent: Pid) -> io::Result<()> {
        // SAFETY: the calls take numbers, and strings that live through them.
        unsafe {
            match self {
                Step::LeadGroup => check(libc::setpgid(0, 0)),
                Step::LeadSession => check(libc::setsid()),
                Step::TakeForeground(terminal) => {
                    check(libc::tcsetpgrp(*terminal, libc::getpgrp()))
                }
                Step::TakeTerminal(terminal) => {
                    check(libc::ioctl(*terminal, libc::TIOCSCTTY as _, 0))
                }
                Step::EnterCgroup(processes) => {
                    libc::write(*processes, c"0".as_ptr().cast(), 1);
                    Ok(())
                }
                #[cfg(not(target_os = "linux"))]
                Step::DieWithParent(_) | Step::NoNewPrivileges => {
                    Err(io::ErrorKind::Unsupported.into())
                }
                #[cfg(target_os = "linux")]
                Step::DieWithParent(signal) => {
                    children::signal_at_parents_death(*signal)?;
                    // It may have died before it was asked for.
                    if children::parent() == Some(parent) {
                        Ok(())
                    } else {
                        super::process::exit_now(125)
                    }
                }
                Step::Place { from, to } if from == to => {
                    check(libc::fcntl(*from, libc::F_SETFD, 0))
                }
                Step::Place { from, to } => check(libc::dup2(*from, *to)),
                Step::KeepStandardDescriptors => {
                    super::descriptors::keep_from_programs(libc::STDERR_FILENO + 1)
                }
                Step::SignIn(file) => {
                    let mut text = [0; DIGITS];
                    let length = write_number(&mut text, Pid::own().number());
                    check(libc::write(*file, text.as_ptr().cast(), length) as libc::c_int)
                }
                Step::Limit(limit) => limit.impose(),
                Step::Supplementary(groups) => credentials::set_supplementary(groups),
                Step::Group(group) => credentials::become_group(*group),
                Step::User(user) => credentials::become_user(*user),
                Step::ChangeFolder(folder) => check(libc::chdir(folder.as_ptr())),
                Step::Umask(mask) => {
                    libc::umask(*mask as libc::mode_t);
                    Ok(())
                }
                #[cfg(target_os = "linux")]
                Step::NoNewPrivileges => check(libc::prctl(
                    libc::PR_SET_NO_NEW_PRIVS,
                    1 as libc::c_ulong,
                    0 as libc::c_ulong,
                    0 as libc::c_ulong,
                    0 as libc::c_ulong,
                )),
            }
        }
    }
}

/// What the step does, as the object of "cannot".
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::LeadGroup => f.write_str("make a process group"),
            Step::LeadSession => f.write_str("make a session"),
            Step::TakeForeground(_) => f.write_str("come to the terminal's foreground"),
            Step::TakeTerminal(_) => f.write_str("take the terminal"),
            Step::EnterCgroup(_) => f.write_str("enter the control group"),
            Step::DieWithParent(_) => f.write_str("ask to die with the parent"),
            Step::Place { to, .. } => write!(f, "place descriptor {to}"),
            Step::KeepStandardDescriptors => f.write_str("keep descriptors to itself"),
            Step::SignIn(_) => f.write_str("sign in to the folder of its files"),
            Step::Limit(limit) => write!(f, "set the limit {limit}"),
            Step::Supplementary(groups) if groups.is_empty() => {
                f.write_str("leave the supplementary groups")
            }
            Step::Supplementary(groups) => {
                let groups: Vec<_> = groups.iter().map(u32::to_string).collect();
                write!(f, "have the supplementary groups {}", groups.join(","))
            }
            Step::Group(group) => write!(f, "become the group {group}"),
            Step::User(user) => write!(f, "become the user {user}"),
            Step::ChangeFolder(folder) => {
                write!(f, "go to the folder {}", folder.to_string_lossy())
            }
            Step::Umask(mask) => write!(f, "set the umask {mask:03o}"),
            Step::NoNewPrivileges => f.write_str("give up gaining rights"),
        }
    }
}
