//! Whether nobody is on the other side any more.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Whether the other end of a socket or pipe is closed: nobody there writes or reads any more. What was sent before can
/// still be read.
///
/// # Errors
/// Those of poll(2).
pub fn has_hung_up(descriptor: impl AsFd) -> io::Result<bool> {
    is_told(descriptor, PollTimeout::ZERO)
}

/// Returns when the other end of a socket or pipe is closed.
///
/// # Errors
/// Those of poll(2).
pub fn await_hang_up(descriptor: impl AsFd) -> io::Result<()> {
    while !is_told(&descriptor, PollTimeout::NONE)? {}
    Ok(())
}

fn is_told(descriptor: impl AsFd, timeout: PollTimeout) -> io::Result<bool> {
    // A hang-up and an error are told whatever is asked for (poll(2)).
    let mut polled = [PollFd::new(descriptor.as_fd(), PollFlags::empty())];
    match poll(&mut polled, timeout) {
        Ok(_) => Ok(polled[0].any() == Some(true)),
        Err(Errno::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_who_has_gone_has_hung_up() {
        let (near, mut far) = UnixStream::pair().expect("sockets");
        let has_hung_up = || has_hung_up(&near).expect("it is told");
        assert!(!has_hung_up());
        far.write_all(b"x").expect("written");
        assert!(!has_hung_up());
        // It may still read.
        far.shutdown(Shutdown::Write).expect("shut down");
        assert!(!has_hung_up());
        drop(far);
        assert!(has_hung_up());
        await_hang_up(&near).expect("it is told");
    }
}
