//! Why the command did not start.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::files;
use crate::sys::exec::Limits;
use crate::sys::fs::describe;
use crate::sys::step::Step;

/// What stands in the way of the command. Names of variables are told, values are not, nor how long they are.
#[derive(Debug)]
pub enum Error {
    /// No file has this name, or none in the folders of `PATH`.
    NotFound {
        /// The command as it was typed.
        command: OsString,
    },
    /// There is a file, but it cannot be executed.
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// There is a file, but the user that the command runs as may not execute it, or may not reach it.
    DeniedTo {
        /// The file.
        path: PathBuf,
        /// The user.
        user: u32,
    },
    /// The file is there, but what it names as its interpreter is not.
    NoInterpreter {
        /// The file.
        path: PathBuf,
    },
    /// An argument holds a NUL byte, which none can.
    NulInArgument {
        /// Its place; the command itself is 0.
        index: usize,
    },
    /// No variable can have this name: it is empty, or holds `=` or NUL.
    InvalidName {
        /// The name, with replacements for what is no UTF-8.
        name: String,
    },
    /// The value of a variable holds a NUL byte, which none can.
    NulInValue {
        /// The variable's name.
        name: String,
    },
    /// One variable is longer than the kernel takes.
    VariableTooLong {
        /// The variable's name.
        name: String,
        /// The kernel's limits.
        limits: Limits,
    },
    /// One argument is longer than the kernel takes.
    ArgumentTooLong {
        /// Its place; the command itself is 0.
        index: usize,
        /// The kernel's limits.
        limits: Limits,
    },
    /// Arguments and variables together are more than the kernel takes.
    TooLarge {
        /// The size of all arguments, in bytes.
        arguments: usize,
        /// The size of all variables, in bytes.
        environment: usize,
        /// The names of the variables with the most, largest first.
        largest: Vec<String>,
        /// The kernel's limits.
        limits: Limits,
    },
    /// What the command's process had to do first failed.
    Step {
        /// What.
        step: Step,
        /// What the system says.
        reason: io::Error,
    },
    /// What it is given besides variables cannot be handed over.
    Files(files::Error),
    /// It cannot be supervised.
    Supervision {
        /// What failed.
        what: &'static str,
        /// What the system says.
        reason: io::Error,
    },
}

impl Error {
    /// The exit status that says so, as env(1) has it: 127 if there is no such command, 126 if it cannot be executed,
    /// 125 if it was not even tried.
    pub fn status(&self) -> u8 {
        match self {
            Error::NotFound { .. } | Error::NoInterpreter { .. } => 127,
            // Where execve(2) itself says E2BIG, env(1) gives 126.
            Error::NotExecutable { .. }
            | Error::DeniedTo { .. }
            | Error::VariableTooLong { .. }
            | Error::ArgumentTooLong { .. }
            | Error::TooLarge { .. } => 126,
            Error::NulInArgument { .. }
            | Error::InvalidName { .. }
            | Error::NulInValue { .. }
            | Error::Step { .. }
            | Error::Files(_)
            | Error::Supervision { .. } => 125,
        }
    }

    /// What helps.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::NotFound { command } if command.as_encoded_bytes().contains(&b' ') => Some(
                "the command is one argument and its own arguments are others; for shell syntax use sh -c 'COMMAND'",
            ),
            Error::NotFound { command } if !command.as_encoded_bytes().contains(&b'/') => {
                Some("it is looked up in PATH; a path with a slash is taken as it is")
            }
            Error::NotExecutable { path, .. } if path.is_file() => {
                Some("chmod +x makes a file executable")
            }
            Error::DeniedTo { .. } => Some(
                "that user needs the right to execute it, and to search every folder on the way to it",
            ),
            Error::Step { step, reason } => step_hint(step, reason),
            Error::NoInterpreter { .. } => {
                Some("correct its first line (#!), or install what it names")
            }
            Error::Files(error) => error.hint(),
            Error::InvalidName { .. } => Some("give the variable another name"),
            Error::NulInValue { .. } => Some("hand binary data over as a file, or in base64"),
            Error::VariableTooLong { .. } | Error::TooLarge { .. } => Some(
                "hand large values over as files, or export fewer variables; a larger stack limit (ulimit -s) raises the \
                 total up to 6 MiB, but not that of one variable",
            ),
            _ => None,
        }
    }
}

/// The option that asked for a step.
fn option(step: &Step) -> Option<&'static str> {
    Some(match step {
        Step::Limit(_) => "--rlimit",
        Step::Supplementary(_) => "--groups",
        Step::Group(_) => "--group",
        Step::User(_) => "--user",
        Step::ChangeFolder(_) => "--chdir",
        Step::Umask(_) => "--umask",
        Step::NoNewPrivileges => "--no-new-privs",
        Step::DieWithParent(_) => "--die-with-parent",
        _ => return None,
    })
}

/// What helps when a step failed.
fn step_hint(step: &Step, reason: &io::Error) -> Option<&'static str> {
    match (step, reason.raw_os_error()) {
        (Step::User(_) | Step::Group(_) | Step::Supplementary(_), Some(libc::EINVAL)) => {
            Some("there is no such id in this user namespace")
        }
        (Step::Supplementary(_), Some(libc::EPERM)) => {
            Some("a user namespace may deny them: /proc/self/setgroups")
        }
        (Step::ChangeFolder(_), Some(libc::EACCES)) => {
            Some("the folder is entered as the user that the command runs as")
        }
        _ => None,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotFound { command } => {
                write!(f, "command not found: {}", command.display())
            }
            Error::NotExecutable { path, reason } => {
                write!(f, "cannot execute {}: {}", path.display(), describe(reason))
            }
            Error::DeniedTo { path, user } => write!(
                f,
                "cannot execute {} as the user {user}: permission denied",
                path.display()
            ),
            Error::Step { step, reason } => {
                if let Some(option) = option(step) {
                    write!(f, "{option}: ")?;
                }
                write!(f, "cannot {step}: {}", describe(reason))
            }
            Error::NoInterpreter { path } => write!(
                f,
                "cannot execute {}: the interpreter that it names is not there",
                path.display()
            ),
            Error::NulInArgument { index } => {
                write!(f, "argument {index} of the command holds a NUL byte")
            }
            Error::InvalidName { name } => {
                write!(f, "no variable can be named {name:?}")
            }
            Error::NulInValue { name } => {
                write!(f, "the value of the variable {name} holds a NUL byte")
            }
            Error::VariableTooLong { name, limits } => write!(
                f,
                "the variable {name} is too long: the kernel takes {} bytes for a name and its value",
                // Without the `=` and the closing NUL.
                limits.string.saturating_sub(2)
            ),
            Error::ArgumentTooLong { index, limits } => write!(
                f,
                "argument {index} of the command is too long: the kernel takes {} bytes",
                limits.string.saturating_sub(1)
            ),
            Error::TooLarge {
                arguments,
                environment,
                largest,
                limits,
            } => write!(
                f,
                "the environment is too large: {environment} bytes of variables and {arguments} bytes of arguments, of \
                 which the kernel takes {} together; the largest variables are {}",
                limits.total,
                largest.join(", ")
            ),
            Error::Files(error) => error.fmt(f),
            Error::Supervision { what, reason } => {
                write!(
                    f,
                    "cannot {what} to supervise the command: {}",
                    describe(reason)
                )
            }
        }
    }
}

impl Error {
    /// What did not succeed on the way to supervising, for [`Result::map_err`]. It completes "cannot … to supervise the
    /// command".
    pub(super) fn supervising(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::Supervision { what, reason }
    }
}

impl From<files::Error> for Error {
    fn from(error: files::Error) -> Self {
        Error::Files(error)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::NotExecutable { reason, .. }
            | Error::Step { reason, .. }
            | Error::Supervision { reason, .. } => Some(reason),
            Error::Files(error) => error.source(),
            _ => None,
        }
    }
}
