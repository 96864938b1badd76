//! Why the daemon does not serve.

use std::fmt;
use std::io;

use super::audit;
use super::server::ListenError;
use crate::project;
use crate::sys::fs::describe;

/// Why the daemon does not serve.
#[derive(Debug)]
pub enum Error {
    /// There is no socket.
    Listen(ListenError),
    /// There is no policy.
    Policy(project::Error),
    /// There is no audit.
    Audit(audit::Error),
    /// The process that starts programs is gone, and a service manager starts the daemon anew, with another one.
    Helper,
    /// The system refuses something.
    Io(&'static str, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(error) => error.fmt(f),
            Self::Policy(error) => error.fmt(f),
            Self::Audit(error) => error.fmt(f),
            Self::Helper => f.write_str("the process that starts programs is gone"),
            Self::Io(what, error) => write!(f, "{what}: {}", describe(error)),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// What helps.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen(error) => error.hint().map(str::to_owned),
            Self::Policy(error) => error.hint(),
            Self::Audit(error) => error.hint(),
            Self::Helper | Self::Io(..) => None,
        }
    }
}
