//! Connecting to Unix sockets (unix(7)), and asking the kernel who is at the other end.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Connects to the stream socket at `path`. Where too many wait for the server already, this one waits for at most
/// `patience`.
///
/// # Errors
/// Those of connect(2): `NotFound`, `ConnectionRefused` if nobody serves it, `PermissionDenied`, and `WouldBlock` if the
/// server has not taken the connection in time.
#[cfg(target_os = "linux")]
pub fn connect(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    use nix::sys::socket::{
        AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt,
    };
    use nix::sys::time::TimeVal;
    use std::os::fd::AsRawFd;

    let descriptor = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
    let limit = TimeVal::new(seconds, i64::from(patience.subsec_micros()));
    // It holds for connect(2) as well (socket(7), SO_SNDTIMEO), which has no other limit.
    setsockopt(&descriptor, sockopt::SendTimeout, &limit)?;
    let address = UnixAddr::new(path)?;
    loop {
        match connect(descriptor.as_raw_fd(), &address) {
            Ok(()) => return Ok(descriptor.into()),
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// As above; the server takes its time.
///
/// # Errors
/// As above.
#[cfg(not(target_os = "linux"))]
pub fn connect(path: &Path, _patience: Duration) -> io::Result<UnixStream> {
    UnixStream::connect(path)
}

/// The user who serves the socket at the other end: who called listen(2) there, by the kernel's word.
///
/// # Errors
/// Those of getsockopt(2).
#[cfg(target_os = "linux")]
pub fn server(stream: &UnixStream) -> io::Result<u32> {
    use nix::sys::socket::{getsockopt, sockopt};
    Ok(getsockopt(stream, sockopt::PeerCredentials)?.uid())
}

/// As above.
///
/// # Errors
/// Those of getpeereid(3).
#[cfg(not(target_os = "linux"))]
pub fn server(stream: &UnixStream) -> io::Result<u32> {
    Ok(nix::unistd::getpeereid(stream)?.0.as_raw())
}

/// Waits for an answer, or the end of the connection, for at most `patience`. Gives false if none has come and the server has
/// not even read what was sent: it may never have accepted the connection, which is taken to be made all the same.
///
/// # Errors
/// Those of poll(2) and ioctl(2).
pub fn is_attended(stream: &UnixStream, patience: Duration) -> io::Result<bool> {
    let end = Instant::now() + patience;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut polled = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, timeout) {
            Ok(0) => return Ok(!is_unread(stream)?),
            Ok(_) => return Ok(true),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether the other end has not read all that was sent (unix(7), `SIOCOUTQ`, which is `TIOCOUTQ`).
#[cfg(target_os = "linux")]
fn is_unread(stream: &UnixStream) -> io::Result<bool> {
    use std::os::fd::AsRawFd as _;

    let mut unread: libc::c_int = 0;
    // SAFETY: the request fills an `int`, which outlives the call.
    let result = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ as _, &raw mut unread) };
    super::check::check(result)?;
    Ok(unread > 0)
}

/// As above, as far as it can be told.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
fn is_unread(_stream: &UnixStream) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::sys::fs::effective_user;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn a_connection_reaches_its_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let mut client = connect(&path, PATIENCE).unwrap();
        assert_eq!(server(&client).unwrap(), effective_user());
        let (mut served, _) = listener.accept().unwrap();
        served.write_all(b"x").unwrap();
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"x");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_reads_attends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let mut client = connect(&path, PATIENCE).unwrap();
        client.write_all(b"xyz").unwrap();
        let soon = |client: &UnixStream| is_attended(client, Duration::from_millis(1)).unwrap();
        assert!(!soon(&client));
        let (mut served, _) = listener.accept().unwrap();
        assert!(!soon(&client));
        served.read_exact(&mut [0; 2]).unwrap();
        assert!(!soon(&client));
        served.read_exact(&mut [0; 1]).unwrap();
        assert!(soon(&client));
        client.write_all(b"x").unwrap();
        assert!(!soon(&client));
        // Who answers need not have read all.
        served.write_all(b"x").unwrap();
        assert!(is_attended(&client, PATIENCE).unwrap());
        client.read_exact(&mut [0; 1]).unwrap();
        drop(served);
        assert!(is_attended(&client, PATIENCE).unwrap());
    }

    #[test]
    fn there_is_an_end_to_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let kind = |result: io::Result<UnixStream>| result.unwrap_err().kind();
        assert_eq!(kind(connect(&path, PATIENCE)), io::ErrorKind::NotFound);
        let listener = UnixListener::bind(&path).unwrap();
        nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(1).unwrap()).unwrap();
        // Nobody accepts: at some point there is no room for another one (listen(2)).
        let mut waiting = Vec::new();
        let full = loop {
            match connect(&path, Duration::from_millis(10)) {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error.kind(),
            }
        };
        assert_eq!(full, io::ErrorKind::WouldBlock);
        drop(listener);
        let refused = kind(connect(&path, PATIENCE));
        assert_eq!(refused, io::ErrorKind::ConnectionRefused);
    }
}
