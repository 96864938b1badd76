//! A pair of sockets that pass whole packets, and descriptors with them, between a process and one that it has started:
//! unix(7), `SOCK_SEQPACKET`.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, sendmsg, socketpair,
};

pub use super::datagram::Datagram as Packet;
use super::datagram::receive;

/// One end of the pair. No program inherits it by itself.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
}

impl Channel {
    /// Makes both ends.
    ///
    /// # Errors
    /// Those of socketpair(2).
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        Ok((Self { socket: one }, Self { socket: other }))
    }

    /// The end that this program was started with.
    pub fn from_descriptor(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// Sends a packet, which must not be empty, and copies of descriptors. Waits for room.
    ///
    /// # Errors
    /// Those of sendmsg(2); `BrokenPipe` when the other end is closed.
    pub fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&numbers)];
        let rights = if numbers.is_empty() { &[][..] } else { &rights };
        let parts = [IoSlice::new(bytes)];
        loop {
            match sendmsg::<UnixAddr>(
                self.socket.as_raw_fd(),
                &parts,
                rights,
                MsgFlags::MSG_NOSIGNAL,
                None,
            ) {
                Ok(_) => return Ok(()),
                Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for the next packet; none when the other end is closed.
    ///
    /// # Errors
    /// Those of recvmsg(2).
    pub fn receive(&self) -> io::Result<Option<Packet>> {
        loop {
            match receive(self.socket.as_fd(), 0) {
                Ok(packet) if packet.bytes.is_empty() => return Ok(None),
                Ok(packet) => return Ok(Some(packet)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // unix(7): the other end was closed while something of ours was unread there.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn packets_stay_apart_and_bring_descriptors() {
        let (one, other) = Channel::pair().expect("sockets");
        let (mut reader, writer) = io::pipe().expect("a pipe");
        one.send(b"first", &[writer.as_fd()]).expect("sent");
        one.send(b"second", &[]).expect("sent");
        drop(writer);
        let first = other.receive().expect("received").expect("one");
        assert_eq!(first.bytes, b"first");
        let [writer] = <[OwnedFd; 1]>::try_from(first.descriptors).expect("one descriptor");
        std::fs::File::from(writer).write_all(b"x").expect("a pipe");
        let second = other.receive().expect("received").expect("one");
        assert_eq!(second.bytes, b"second");
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("the end");
        assert_eq!(text, "x");
    }

    #[test]
    fn the_end_of_one_is_told_to_the_other() {
        let (one, other) = Channel::pair().expect("sockets");
        one.send(b"unread", &[]).expect("sent");
        drop(other);
        assert!(one.receive().expect("the end").is_none());
        let error = one.send(b"x", &[]).expect_err("nobody is there");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
