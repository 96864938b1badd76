//! Starting a program from a process that leads a session for it.

use std::io::{self, Read, Write};

use super::children::Pid;
use super::start::{At, Failure, fork_helper, reap};
use super::step::Step;

/// A program, and the process that leads its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Led {
    /// The child of this process.
    pub leader: Pid,
    /// The child of that.
    pub program: Pid,
}

/// How long a report is, in bytes: what it is about, and a number.
const REPORT: usize = 12;

/// What a report is about, besides the place of a step.
const STARTED: u64 = u64::MAX;
const AT_EXEC: u64 = u64::MAX - 1;
const AT_FORK: u64 = u64::MAX - 2;

/// Forks a process that takes `steps`, has `start` start the program, and ends with what `lead` gives when that returns.
///
/// # Errors
/// What failed; there is no process then. Those of [`fork_helper`], whose process it is.
pub fn start_led(
    steps: &[Step],
    start: impl FnOnce() -> Result<Pid, Failure>,
    lead: impl FnOnce(Pid) -> u8,
) -> Result<Led, Failure> {
    let (reader, writer) = io::pipe().map_err(at_fork)?;
    let parent = Pid::own();
    let mut ends = Some((reader, writer));
    let leader = fork_helper(|| {
        let writer = ends.take().map(|(_, writer)| writer);
        let started = steps
            .iter()
            .try_for_each(|step| step.take(parent))
            .map_err(at_fork)
            .and_then(|()| start());
        if let Some(mut writer) = writer {
            // Nobody is left to tell if that fails.
            let _ = writer.write_all(&encode(&started));
        }
        started.map_or(125, lead)
    })
    .map_err(at_fork)?;
    let Some((reader, writer)) = ends else {
        return Err(lost());
    };
    drop(writer);
    read(reader)
        .map(|program| Led { leader, program })
        .inspect_err(|_| reap(leader))
}

fn at_fork(error: io::Error) -> Failure {
    Failure {
        at: At::Fork,
        error,
    }
}

fn encode(started: &Result<Pid, Failure>) -> [u8; REPORT] {
    let (about, number) = match started {
        Ok(pid) => (STARTED, pid.number()),
        Err(Failure { at, error }) => {
            let about = match at {
                At::Fork => AT_FORK,
                At::Exec => AT_EXEC,
                At::Step(index) => *index as u64,
            };
            (about, error.raw_os_error().unwrap_or(libc::EIO))
        }
    };
    let mut report = [0; REPORT];
    report[..8].copy_from_slice(&about.to_ne_bytes());
    report[8..].copy_from_slice(&number.to_ne_bytes());
    report
}

fn read(reader: io::PipeReader) -> Result<Pid, Failure> {
    let mut report = [0; REPORT];
    { reader }
        .read_exact(&mut report)
        .map_err(|error| Failure {
            at: At::Fork,
            error,
        })?;
    let (about, number) = report.split_at(8);
    let about = u64::from_ne_bytes(about.try_into().expect("eight bytes"));
    let number = i32::from_ne_bytes(number.try_into().expect("four bytes"));
    let at = match about {
        STARTED => return Pid::from_number(number).ok_or(lost()),
        AT_EXEC => At::Exec,
        AT_FORK => At::Fork,
        index => At::Step(usize::try_from(index).unwrap_or(0)),
    };
    Err(Failure {
        at,
        error: io::Error::from_raw_os_error(number),
    })
}

/// A report that says nothing.
fn lost() -> Failure {
    Failure {
        at: At::Fork,
        error: io::ErrorKind::InvalidData.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_as_they_were_written() {
        let pid = Pid::from_number(4711).expect("positive");
        let failure = |at| {
            Err(Failure {
                at,
                error: io::Error::from_raw_os_error(libc::ENOEXEC),
            })
        };
        for started in [
            Ok(pid),
            failure(At::Exec),
            failure(At::Fork),
            failure(At::Step(3)),
        ] {
            let (reader, mut writer) = io::pipe().expect("a pipe");
            writer.write_all(&encode(&started)).expect("room");
            let read = read(reader);
            match (started, read) {
                (Ok(one), Ok(other)) => assert_eq!(one, other),
                (Err(one), Err(other)) => {
                    assert_eq!(one.at, other.at);
                    assert_eq!(one.error.raw_os_error(), other.error.raw_os_error());
                }
                _ => panic!("a success is no failure"),
            }
        }
    }
}
