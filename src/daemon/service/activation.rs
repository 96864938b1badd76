//! Sockets that the service manager listens on and hands over: sd_listen_fds(3). It keeps them while the daemon is
//! restarted, so that nobody who connects meanwhile is refused.

use std::ffi::OsString;
use std::fmt;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixListener;

use nix::sys::socket::{SockType, getsockopt, sockopt};

use crate::sys::children::Pid;
use crate::sys::descriptors;

/// The first descriptor that is handed over (sd_listen_fds(3), `SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;

/// The most that are taken: there are two purposes, and each may have sockets of several names.
const MOST: RawFd = 16;

/// The sockets that were handed over, by what they are for.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For requests: HTTP.
    pub requests: Vec<UnixListener>,
    /// For systemd itself, which fetches credentials for units.
    pub credentials: Vec<UnixListener>,
}

/// Why the sockets cannot be served.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// So many descriptors are no sockets of ours.
    Count(String),
    /// A descriptor is not open.
    NotOpen(RawFd),
    /// It is something else than a listening stream socket of this machine.
    NotListening(RawFd, String),
    /// Nobody knows what it is for.
    Unknown(RawFd, String),
}

impl Error {
    /// What helps.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Count(_) | Self::NotOpen(_) => {
                "the variables LISTEN_FDS and LISTEN_PID are for a service manager to set"
            }
            Self::NotListening(..) => {
                "the socket unit needs a ListenStream= with a path, and no Accept=yes"
            }
            Self::Unknown(..) => {
                "the socket unit needs FileDescriptorName=escrun, or credentials for those of units"
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the service manager has handed over ")?;
        match self {
            Self::Count(count) => write!(f, "{count} descriptors, which cannot be"),
            Self::NotOpen(number) => write!(f, "descriptor {number}, which is not open"),
            Self::NotListening(number, name) => write!(
                f,
                "descriptor {number} ({name}), which is no listening stream socket with a path"
            ),
            Self::Unknown(number, name) => {
                write!(f, "descriptor {number} with the unknown name {name}")
            }
        }
    }
}

impl std::error::Error for Error {}

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Requests,
    Credentials,
}

impl Purpose {
    /// By its name: that which our units give it, that of our socket units, or none that says anything, which other
    /// managers give.
    fn of(name: &str) -> Option<Self> {
        match name {
            "escrun" | "escrun.socket" | "unknown" | "" => Some(Self::Requests),
            "credentials" | "escrun-credentials.socket" => Some(Self::Credentials),
            _ => None,
        }
    }
}

impl Sockets {
    /// Takes over what was handed over, by the variables `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`. No program that
    /// is started from now on has any of it. Only the first call finds something.
    ///
    /// # Errors
    /// When something else than sockets of ours was handed over.
    pub fn take(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let handed = Handed::by(variable)?;
        let descriptors = handed.numbered().map(|(number, name)| {
            let descriptor = descriptors::adopt(number).ok_or(Error::NotOpen(number));
            descriptor.map(|descriptor| (number, descriptor, name))
        });
        // All are taken before one is refused: whoever goes on after an error has none of them open.
        let descriptors: Vec<_> = descriptors.collect();
        let mut sockets = Self::default();
        for descriptor in descriptors {
            let (number, descriptor, name) = descriptor?;
            sockets.add(number, descriptor, &name)?;
        }
        Ok(sockets)
    }

    /// Whether nothing was handed over.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.credentials.is_empty()
    }

    fn add(&mut self, number: RawFd, descriptor: OwnedFd, name: &str) -> Result<(), Error> {
        let purpose = Purpose::of(name).ok_or_else(|| Error::Unknown(number, name.to_owned()))?;
        let not_listening = || Error::NotListening(number, name.to_owned());
        let listens = getsockopt(&descriptor, sockopt::AcceptConn).unwrap_or(false)
            && getsockopt(&descriptor, sockopt::SockType) == Ok(SockType::Stream);
        if !listens {
            return Err(not_listening());
        }
        let listener = UnixListener::from(descriptor);
        // An error for any other family. An abstract name is in reach of everybody, whatever the modes of folders say.
        let address = listener.local_addr().map_err(|_| not_listening())?;
        if address.as_pathname().is_none() {
            return Err(not_listening());
        }
        // The socket is the manager's as well, which never accepts while we run.
        listener
            .set_nonblocking(true)
            .map_err(|_| not_listening())?;
        match purpose {
            Purpose::Requests => self.requests.push(listener),
            Purpose::Credentials => self.credentials.push(listener),
        }
        Ok(())
    }
}

/// What the variables say.
struct Handed {
    count: RawFd,
    names: Vec<String>,
}

impl Handed {
    fn by(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        let none = Self {
            count: 0,
            names: Vec::new(),
        };
        // Meant for another process, whose variables this one has inherited.
        let own = Pid::own().number().to_string();
        if text("LISTEN_PID") != Some(own) {
            return Ok(none);
        }
        let Some(count) = text("LISTEN_FDS") else {
            return Ok(none);
        };
        let count = match count.parse() {
            Ok(number @ 0..=MOST) => number,
            _ => return Err(Error::Count(count)),
        };
        // A name has no colon (systemd.socket(5), `FileDescriptorName=`).
        let names = text("LISTEN_FDNAMES").unwrap_or_default();
        let names = names.split(':').map(ToOwned::to_owned).collect();
        Ok(Self { count, names })
    }

    /// The descriptors by their numbers, each with its name.
    fn numbered(&self) -> impl Iterator<Item = (RawFd, String)> + '_ {
        let names = self.names.iter().cloned();
        (FIRST..FIRST + self.count).zip(names.chain(std::iter::repeat_with(String::new)))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    fn handed(variables: &[(&str, &str)]) -> Result<Vec<(RawFd, String)>, Error> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(*value))
        };
        Handed::by(&variable).map(|handed| handed.numbered().collect())
    }

    #[test]
    fn only_what_was_handed_to_this_very_process_is_taken() {
        let own = Pid::own().number().to_string();
        let other = (Pid::own().number() + 1).to_string();
        let fds = |pid, count| handed(&[("LISTEN_PID", pid), ("LISTEN_FDS", count)]);
        assert_eq!(handed(&[]), Ok(vec![]));
        assert_eq!(handed(&[("LISTEN_FDS", "1")]), Ok(vec![]));
        assert_eq!(handed(&[("LISTEN_PID", &own)]), Ok(vec![]));
        assert_eq!(fds(&other, "1"), Ok(vec![]));
        assert_eq!(fds(&own, "0"), Ok(vec![]));
        assert_eq!(fds(&own, "1"), Ok(vec![(3, String::new())]));
        for count in ["-1", "17", "99999999999", "1x", ""] {
            assert_eq!(fds(&own, count), Err(Error::Count(count.to_owned())));
        }
    }

    #[test]
    fn names_go_to_descriptors_in_order() {
        let own = Pid::own().number().to_string();
        let named = |names| {
            let found = handed(&[
                ("LISTEN_PID", &own),
                ("LISTEN_FDS", "2"),
                ("LISTEN_FDNAMES", names),
            ]);
            found.map(|found| found.into_iter().map(|(_, name)| name).collect::<Vec<_>>())
        };
        for (names, expected) in [
            ("escrun:credentials", ["escrun", "credentials"]),
            ("credentials:escrun", ["credentials", "escrun"]),
            ("escrun", ["escrun", ""]),
            ("", ["", ""]),
            ("a:b:c", ["a", "b"]),
        ] {
            assert_eq!(named(names), Ok(expected.map(str::to_owned).to_vec()));
        }
    }

    #[test]
    fn purposes_are_told_by_name() {
        for (name, purpose) in [
            ("escrun", Some(Purpose::Requests)),
            ("escrun.socket", Some(Purpose::Requests)),
            ("unknown", Some(Purpose::Requests)),
            ("", Some(Purpose::Requests)),
            ("credentials", Some(Purpose::Credentials)),
            ("escrun-credentials.socket", Some(Purpose::Credentials)),
            ("metrics", None),
            ("Escrun", None),
        ] {
            assert_eq!(Purpose::of(name), purpose, "{name:?}");
        }
    }

    #[test]
    fn only_listening_stream_sockets_with_a_path_are_served() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let add = |descriptor: OwnedFd| {
            let mut sockets = Sockets::default();
            sockets.add(7, descriptor, "credentials").map(|()| sockets)
        };
        let refused = || Error::NotListening(7, "credentials".to_owned());
        let (stream, _other) = UnixStream::pair().expect("sockets");
        assert_eq!(add(stream.into()).expect_err("connected"), refused());
        let datagrams = UnixDatagram::unbound().expect("a socket");
        assert_eq!(add(datagrams.into()).expect_err("datagrams"), refused());
        let internet = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
        assert_eq!(add(internet.into()).expect_err("internet"), refused());
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        assert_eq!(add(reader.into()).expect_err("a pipe"), refused());
        let listener = UnixListener::bind(&path).expect("a socket");
        let sockets = add(listener.into()).expect("one to serve on");
        assert!(sockets.requests.is_empty() && !sockets.is_empty());
        // Nobody is there, and nobody waits.
        let error = sockets.credentials[0].accept().expect_err("nobody");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }

    #[test]
    fn an_unknown_name_is_no_request_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("socket")).expect("a socket");
        let error = Sockets::default().add(3, listener.into(), "metrics");
        let error = error.expect_err("an unknown name");
        assert_eq!(error, Error::Unknown(3, "metrics".to_owned()));
        assert!(error.hint().contains("FileDescriptorName="));
    }
}
