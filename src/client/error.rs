//! Why a daemon gave nothing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::protocol::{Code, ErrorAnswer};
use crate::sys::fs::describe;

/// Why a daemon gave nothing. Holds nothing secret.
#[derive(Debug)]
pub enum Error {
    /// There is no socket.
    NoSocket {
        /// Where.
        socket: PathBuf,
    },
    /// There is a socket, and nobody serves it.
    Unserved {
        /// Which.
        socket: PathBuf,
    },
    /// It is served, and nobody takes the request.
    Unattended {
        /// Which.
        socket: PathBuf,
    },
    /// Others than the daemon may have made the socket, or serve it.
    Untrusted {
        /// Which.
        socket: PathBuf,
        /// Who, and how.
        reason: String,
    },
    /// The system refused.
    Io {
        /// What was tried.
        what: &'static str,
        /// The socket.
        socket: PathBuf,
        /// Why it was refused.
        error: io::Error,
    },
    /// What answers is no daemon of escrun.
    Unintelligible {
        /// Where.
        socket: PathBuf,
        /// What is wrong with the answer.
        reason: &'static str,
    },
    /// The daemon has answered that it will not, or cannot.
    Refused(Box<ErrorAnswer>),
}

impl Error {
    /// An error of the system while doing `what` with `socket`.
    pub(super) fn io(what: &'static str, socket: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io {
            what,
            socket: socket.to_owned(),
            error,
        }
    }

    /// What helps.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NoSocket { .. } => Some(
                "start one with escrun daemon, or say where its socket is: --socket, ESCRUN_SOCKET",
            ),
            Self::Unserved { .. } => {
                Some("the daemon has ended without removing it; start it again")
            }
            Self::Untrusted { .. } => Some(
                "have the daemon's socket in a folder that only its user, you or root can change",
            ),
            Self::Io { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                Some("the socket's mode and group say who may ask: socket in daemon.yaml")
            }
            Self::Unattended { .. } => Some(
                "it may be unable to start: its log says, as by journalctl -u escrun or journalctl --user -u escrun",
            ),
            Self::Io { .. } | Self::Unintelligible { .. } => None,
            Self::Refused(answer) => answer.error.hint.as_deref(),
        }
    }

    /// Whether no daemon is there at all, as opposed to one that refuses.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::NoSocket { .. } | Self::Unserved { .. })
    }

    /// Whether it may be otherwise in a while though no definition changes: who is locked can be unlocked, and who is
    /// not there can be started.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused(answer) => matches!(
                answer.error.code,
                Code::Denied
                    | Code::Locked
                    | Code::TooOften
                    | Code::TooSlow
                    | Code::Unavailable
                    | Code::Internal
            ),
            _ => true,
        }
    }

    /// The kind of refusal, if it is one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(answer) => Some(answer.error.code),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSocket { socket } => write!(f, "no daemon: there is no {}", socket.display()),
            Self::Unserved { socket } => {
                write!(f, "no daemon: nobody serves {}", socket.display())
            }
            Self::Unattended { socket } => {
                write!(f, "the daemon at {} takes no requests", socket.display())
            }
            Self::Untrusted { socket, reason } => {
                write!(
                    f,
                    "the socket {} is not to be trusted: {reason}",
                    socket.display()
                )
            }
            Self::Io {
                what,
                socket,
                error,
            } => write!(f, "{what} {}: {}", socket.display(), described(error)),
            Self::Unintelligible { socket, reason } => write!(
                f,
                "what serves {} is no daemon of escrun: {reason}",
                socket.display()
            ),
            Self::Refused(answer) => f.write_str(&answer.error.message),
        }
    }
}

impl std::error::Error for Error {}

/// The system's own text, except where that of a socket would mislead.
fn described(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "it takes too long".to_owned(),
        io::ErrorKind::UnexpectedEof => "the daemon has broken off".to_owned(),
        _ => describe(error),
    }
}
