//! Programs that a supervisor starts for its own purposes: lines of shell, and escrun itself to compose anew. Each has a
//! session of its own, without the terminal, and dies with the supervisor.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::run::EnvironmentBlock;
use crate::sys::children::Pid;
use crate::sys::start::{AT_PARENTS_DEATH, Image};
use crate::sys::step::Step;

/// The shell, as system(3) has it.
const SHELL: &str = "/bin/sh";

/// Where a line of shell writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// Where the supervisor tells what happens.
    Log,
    /// Nowhere: it is asked for its exit status alone.
    Nowhere,
}

/// Starts a line of shell, which gets `environment`, with the rights that `privileges` leave.
///
/// # Errors
/// When it does not come to run.
pub(super) fn start_shell(
    line: &str,
    environment: &EnvironmentBlock,
    privileges: Vec<Step>,
    output: Output,
) -> io::Result<Pid> {
    let nowhere = File::from(above_standard(
        OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?,
    )?);
    let target = match output {
        Output::Log => io::stderr().as_raw_fd(),
        Output::Nowhere => nowhere.as_raw_fd(),
    };
    let mut steps = vec![
        place(nowhere.as_raw_fd(), 0),
        place(target, 1),
        place(target, 2),
    ];
    steps.extend(privileges);
    let arguments = ["sh", "-c", line].map(CString::new);
    let arguments = arguments.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut image = Image::new(CString::new(SHELL)?, arguments);
    start(&mut image, environment, steps)
}

/// Starts a program between two pipes.
///
/// # Errors
/// When it does not come to run.
pub(super) fn start_between(
    image: &mut Image,
    environment: &EnvironmentBlock,
    input: OwnedFd,
    output: OwnedFd,
) -> io::Result<Pid> {
    let (input, output) = (above_standard(input)?, above_standard(output)?);
    let steps = vec![place(input.as_raw_fd(), 0), place(output.as_raw_fd(), 1)];
    start(image, environment, steps)
}

fn start(
    image: &mut Image,
    environment: &EnvironmentBlock,
    mut steps: Vec<Step>,
) -> io::Result<Pid> {
    environment.keep_on_fork()?;
    steps.insert(0, Step::LeadSession);
    steps.push(Step::KeepStandardDescriptors);
    // Last: the kernel forgets it when the user changes.
    steps.push(Step::DieWithParent(AT_PARENTS_DEATH));
    image
        .start(environment.entries(), &[], &steps)
        .map_err(|failure| failure.error)
}

fn place(from: i32, to: i32) -> Step {
    Step::Place { from, to }
}

/// The same file under a descriptor that is not in the way of the standard ones.
fn above_standard(descriptor: impl Into<OwnedFd>) -> io::Result<OwnedFd> {
    let descriptor = descriptor.into();
    if descriptor.as_raw_fd() > 2 {
        return Ok(descriptor);
    }
    // The standard library gives no duplicate a number below 3.
    descriptor.try_clone()
}
