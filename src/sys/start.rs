//! Starts a program in a child process, after steps that only the child itself can take.

use std::ffi::{CStr, CString};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;

use super::children::{self, Pid};
use super::inherited::{For, Inherited, at_start};
use super::signal::{Mask, Signal};
use super::step::Step;

/// What execve(2) takes, laid out in advance: nothing can be allocated between fork and exec.
pub struct Image {
    path: CString,
    arguments: Strings,
    /// For execvp(3)'s way with a script without `#!`: the shell, with the script as its argument.
    script: Strings,
    environment: Vec<*const libc::c_char>,
    /// `NAME=` and room for a number, behind the other variables.
    own_pid: Vec<Vec<u8>>,
}

/// Who runs a script without `#!`, as execvp(3) has it.
const SHELL: &CStr = c"/bin/sh";

/// Room for the digits of any process number, and a NUL.
pub(super) const DIGITS: usize = 12;

/// Strings and the pointers to them, closed by a null pointer.
struct Strings {
    // The pointers lead into these; moving a `CString` does not move its bytes.
    _owned: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

impl Strings {
    fn new(owned: Vec<CString>) -> Self {
        let pointers = owned.iter().map(|string| string.as_ptr());
        Self {
            pointers: pointers.chain([ptr::null()]).collect(),
            _owned: owned,
        }
    }
}

impl Image {
    /// Lays out the program `path` with `arguments` (the first is its name).
    pub fn new(path: CString, arguments: Vec<CString>) -> Self {
        let script = [SHELL.to_owned(), path.clone()];
        let script = script.into_iter().chain(arguments.iter().skip(1).cloned());
        Self {
            script: Strings::new(script.collect()),
            path,
            arguments: Strings::new(arguments),
            environment: vec![ptr::null()],
            own_pid: Vec::new(),
        }
    }

    /// Replaces this process by the program, which gets `environment` besides, after taking `steps`. Returns only if that
    /// failed; the steps that were taken stay so.
    pub fn replace<'a>(
        &mut self,
        environment: impl Iterator<Item = &'a CStr>,
        steps: &[Step],
    ) -> Failure {
        self.lay_out(environment, &[]);
        let ours = Inherited::now();
        let parent = children::parent().unwrap_or(Pid::own());
        // SAFETY: `lay_out` has just filled the arrays, from strings that live through the call.
        let failure = unsafe { self.become_program(parent, steps) };
        ours.impose(For::Exec);
        Failure::of(failure)
    }

    /// Starts the program in a child, which gets `environment` and, in each variable that `own_pid` names, its own
    /// process number. The child takes `steps` first. All signals must be blocked: the child has the mask, dispositions,
    /// umask and core limit that this process was started with.
    ///
    /// The strings are read where they lie, secret memory included, if that was kept on fork. Returns when the program
    /// runs or has failed to.
    ///
    /// # Errors
    /// [`Failure`] says what failed.
    pub fn start<'a>(
        &mut self,
        environment: impl Iterator<Item = &'a CStr>,
        own_pid: &[&CStr],
        steps: &[Step],
    ) -> Result<Pid, Failure> {
        self.lay_out(environment, own_pid);
        let (reader, writer) = pipe().map_err(Failure::before)?;
        let parent = Pid::own();
        // SAFETY: the child calls nothing but what is async-signal-safe, and never returns.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            drop_nothing(reader);
            // SAFETY: as above; `lay_out` has just filled the arrays.
            let failure = unsafe { self.become_program(parent, steps) };
            report(writer.as_raw_fd(), failure);
        }
        let Some(pid) = Pid::from_number(pid) else {
            return Err(Failure::before(io::Error::last_os_error()));
        };
        drop(writer);
        match read_report(reader) {
            None => Ok(pid),
            Some(failure) => {
                reap(pid);
                Err(failure)
            }
        }
    }

    /// Fills the array of the environment.
    fn lay_out<'a>(&mut self, environment: impl Iterator<Item = &'a CStr>, own_pid: &[&CStr]) {
        self.own_pid = own_pid
            .iter()
            .map(|name| [name.to_bytes(), b"=", &[0; DIGITS]].concat())
            .collect();
        let variables = environment.map(CStr::as_ptr);
        let own = self.own_pid.iter().map(|entry| entry.as_ptr().cast());
        self.environment = variables.chain(own).chain([ptr::null()]).collect();
    }

    /// Everything between fork, if there is one, and exec; gives what failed.
    ///
    /// # Safety
    /// The pointers of the environment must lead to strings that are there.
    unsafe fn become_program(&mut self, parent: Pid, steps: &[Step]) -> (usize, i32) {
        let started_with = at_start();
        started_with.impose_all_but_mask(For::Exec);
        for (index, step) in steps.iter().enumerate() {
            if let Err(error) = step.take(parent) {
                return (index, error.raw_os_error().unwrap_or(libc::EIO));
            }
        }
        for entry in &mut self.own_pid {
            let start = entry.len() - DIGITS;
            write_number(&mut entry[start..], Pid::own().number());
        }
        // Last: until here nothing could disturb.
        started_with.impose_mask();
        // SAFETY: the caller's promise.
        let error = unsafe { self.execve() };
        (EXEC, error.raw_os_error().unwrap_or(libc::EIO))
    }

    /// execve(2) as execvp(3) calls it for a file that was found. Allocates nothing.
    ///
    /// # Safety
    /// The pointers of the environment must lead to strings that are there.
    unsafe fn execve(&self) -> io::Error {
        let variables = self.environment.as_ptr();
        // SAFETY: all three arrays end with a null pointer; the strings live as long as `self`, or are there by the caller's
        // promise.
        unsafe {
            libc::execve(
                self.path.as_ptr(),
                self.arguments.pointers.as_ptr(),
                variables,
            );
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(libc::ENOEXEC) {
                return error;
            }
            libc::execve(SHELL.as_ptr(), self.script.pointers.as_ptr(), variables);
        }
        io::Error::last_os_error()
    }
}

/// Where the report says that execve(2) itself has failed.
const EXEC: usize = usize::MAX;

/// Why a process did not come to run the program.
#[derive(Debug)]
pub struct Failure {
    /// At what.
    pub at: At,
    /// The reason.
    pub error: io::Error,
}

/// What it failed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// There was no child yet.
    Fork,
    /// A step, by its place.
    Step(usize),
    /// execve(2).
    Exec,
}

impl Failure {
    fn before(error: io::Error) -> Self {
        Self {
            at: At::Fork,
            error,
        }
    }

    /// What [`Image::become_program`] gives.
    fn of((at, errno): (usize, i32)) -> Self {
        Self {
            at: if at == EXEC { At::Exec } else { At::Step(at) },
            error: io::Error::from_raw_os_error(errno),
        }
    }
}

/// Ends the child, which failed, after telling its parent.
fn report(pipe: RawFd, (at, errno): (usize, i32)) -> ! {
    let mut message = [0; REPORT];
    let (place, reason) = message.split_at_mut(size_of::<usize>());
    place.copy_from_slice(&at.to_ne_bytes());
    reason.copy_from_slice(&errno.to_ne_bytes());
    // SAFETY: the message lives through the call. If nobody reads it, nobody is left to tell.
    unsafe { libc::write(pipe, message.as_ptr().cast(), message.len()) };
    super::process::exit_now(125)
}

/// The size of a report in bytes: the place and the reason.
const REPORT: usize = size_of::<usize>() + size_of::<i32>();

/// Waits until the child runs its program, which closes the pipe, or has failed to.
fn read_report(pipe: OwnedFd) -> Option<Failure> {
    let mut message = [0; REPORT];
    std::fs::File::from(pipe).read_exact(&mut message).ok()?;
    let (place, reason) = message.split_at(size_of::<usize>());
    let at = usize::from_ne_bytes(place.try_into().ok()?);
    let errno = i32::from_ne_bytes(reason.try_into().ok()?);
    Some(Failure::of((at, errno)))
}

/// Waits for the end of a child that has nothing more to do.
pub fn reap(pid: Pid) {
    // SAFETY: takes numbers only; the status is not asked for.
    while unsafe { libc::waitpid(pid.number(), ptr::null_mut(), 0) } == -1
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}

/// Leaves what a forked child has no use for to its execve(2) or its end.
fn drop_nothing<T>(value: T) {
    std::mem::forget(value);
}

/// A pipe that no program inherits.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}

/// Writes `number`, which is positive, in decimal digits; gives how many. Async-signal-safe.
pub(super) fn write_number(into: &mut [u8], number: i32) -> usize {
    let mut digits = [0; DIGITS];
    let mut rest = number.unsigned_abs();
    let mut count = 0;
    loop {
        digits[count] = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    for (to, from) in into.iter_mut().zip(digits[..count].iter().rev()) {
        *to = *from;
    }
    count
}

/// Forks a process that runs `work` and ends with the status that this gives. It has the mask of this one.
///
/// # Errors
/// Those of fork(2); when this process has other threads, whose locks would stay locked in the child for ever.
pub fn fork_helper(work: impl FnOnce() -> u8) -> io::Result<Pid> {
    if !is_single_threaded() {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    // SAFETY: there is one thread, so the child may do whatever this process may. It never returns.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let status = work();
            super::process::exit_now(status)
        }
        pid => Pid::from_number(pid).ok_or_else(|| io::ErrorKind::Other.into()),
    }
}

/// Whether this process has one thread only. Where /proc does not tell, it is believed to: a program that was just
/// executed, or one that starts threads for providers alone, which end before.
fn is_single_threaded() -> bool {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return true;
    };
    tasks.count() <= 1
}

/// Has this process lead a process group of its own.
///
/// # Errors
/// Those of setpgid(2).
pub fn lead_group() -> io::Result<()> {
    Step::LeadGroup.take(Pid::own())
}

/// Blocks every signal: for [`Image::start`] and for receiving them from a descriptor.
pub fn block_signals() {
    Mask::ALL.impose();
}

/// The signal that ends a child whose supervisor dies: nothing else is sure.
pub const AT_PARENTS_DEATH: Signal = Signal::KILL;
