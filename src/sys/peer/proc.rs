//! What /proc tells of a process (proc(5)). Whoever reads it makes sure, before and after, that the number is that process's.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use super::handle::Acting;
use crate::sys::check::check;
use crate::sys::children::Pid;

/// More than the kernel writes of any process.
const LONGEST: usize = 64 << 10;

/// The text of /proc/PID/cgroup (cgroups(7)).
pub(super) fn control_groups(pid: Pid) -> io::Result<String> {
    read(pid, "cgroup")
}

/// The path of the program. Of a process that is protected from this one, it is not told.
pub(super) fn executable(pid: Pid) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe"))
}

/// The name, without its line end.
pub(super) fn name(pid: Pid) -> io::Result<String> {
    let name = read(pid, "comm")?;
    Ok(name.strip_suffix('\n').unwrap_or(&name).to_owned())
}

/// As whom it acts: the second numbers of the lines `Uid` and `Gid`.
pub(super) fn acting(pid: Pid) -> io::Result<Acting> {
    let status = read(pid, "status")?;
    let effective = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line?.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    match (effective("Uid:"), effective("Gid:")) {
        (Some(user), Some(group)) => Ok(Acting { user, group }),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// When it started, in clock ticks since the system did (proc_pid_stat(5), field 22).
pub(super) fn start(pid: Pid) -> io::Result<u64> {
    let stat = read(pid, "stat")?;
    // The name in parentheses may hold any character; the state behind it is field 3.
    let start = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_ascii_whitespace().nth(19)?.parse().ok());
    start.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The time now, on the same clock.
pub(super) fn now() -> io::Result<u64> {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the structure lives through the call.
    check(unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut now) })?;
    // SAFETY: takes a number, and cannot fail for this one.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) }
        .unsigned_abs()
        .max(1);
    let seconds = now.tv_sec.unsigned_abs();
    let nanoseconds = now.tv_nsec.unsigned_abs();
    Ok(seconds * per_second + nanoseconds * per_second / 1_000_000_000)
}

/// A file of a process, as text; what is not UTF-8 is replaced.
fn read(pid: Pid, file: &str) -> io::Result<String> {
    let mut file = File::open(format!("/proc/{pid}/{file}"))?;
    let mut bytes = vec![0; 1024];
    let mut length = 0;
    // The kernel gives as much as there is and fits, so less than that is all.
    loop {
        let count = file.read(&mut bytes[length..])?;
        length += count;
        if length < bytes.len() || length >= LONGEST {
            break;
        }
        bytes.resize(2 * length, 0);
    }
    bytes.truncate(length);
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_to_be_seen() {
        let own = Pid::own();
        assert!(start(own).expect("a start") <= now().expect("a time"));
        assert_eq!(
            acting(own).expect("a user").user,
            crate::sys::fs::effective_user()
        );
        assert_eq!(
            executable(own).expect("a program"),
            std::env::current_exe().expect("a program")
        );
        assert!(!name(own).expect("a name").is_empty());
        assert!(control_groups(own).expect("control groups").ends_with('\n'));
    }
}
