//! Datagrams between processes of one machine, with who sent them and what descriptors came with them: unix(7).

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr,
    UnixCredentials, bind, getsockname, recvmsg, sendmsg, setsockopt, socket, sockopt,
};

use super::children::Pid;

/// The longest datagram that is taken, in bytes; what is longer is cut off.
const LONGEST: usize = 8 << 10;

/// The most descriptors that come with one.
const MOST_DESCRIPTORS: usize = 64;

/// A datagram that came.
#[derive(Debug)]
pub struct Datagram {
    /// What it says.
    pub bytes: Vec<u8>,
    /// Who sent it, by the kernel's word: process (nobody, if it is of another namespace) and user.
    pub sender: Option<(Option<Pid>, u32)>,
    /// What came with it.
    pub descriptors: Vec<OwnedFd>,
}

/// A socket that takes datagrams, under a name that the kernel has chosen.
pub struct Inbox {
    socket: OwnedFd,
}

impl Inbox {
    /// Opens a socket that no program inherits; gives its abstract name without the leading NUL.
    ///
    /// # Errors
    /// Those of socket(2) and bind(2).
    pub fn open() -> io::Result<(Self, Vec<u8>)> {
        let socket = unbound()?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
        let address: UnixAddr = getsockname(socket.as_raw_fd())?;
        let name = address
            .as_abstract()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok((Self { socket }, name.to_vec()))
    }

    /// One that was opened by an earlier program of this process.
    pub fn from_descriptor(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// The next datagram, if one is there.
    ///
    /// # Errors
    /// Those of recvmsg(2).
    pub fn next(&self) -> io::Result<Option<Datagram>> {
        let mut bytes = vec![0; LONGEST];
        let mut control = nix::cmsg_space!(UnixCredentials, [RawFd; MOST_DESCRIPTORS]);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let received = recvmsg::<()>(
            self.socket.as_raw_fd(),
            &mut parts,
            Some(&mut control),
            flags,
        );
        let received = match received {
            Ok(received) => received,
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let (mut sender, mut descriptors) = (None, Vec::new());
        for message in received.cmsgs()? {
            match message {
                ControlMessageOwned::ScmCredentials(who) => {
                    sender = Some((Pid::from_number(who.pid()), who.uid()));
                }
                ControlMessageOwned::ScmRights(numbers) => {
                    // SAFETY: the kernel has just made these descriptors for this process; nobody else knows them.
                    let own = |number| unsafe { OwnedFd::from_raw_fd(number) };
                    descriptors.extend(numbers.into_iter().map(own));
                }
                _ => {}
            }
        }
        let length = received.bytes;
        bytes.truncate(length);
        Ok(Some(Datagram {
            bytes,
            sender,
            descriptors,
        }))
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Where datagrams go.
#[derive(Clone, Copy, Debug)]
pub struct Recipient {
    address: UnixAddr,
}

impl Recipient {
    /// A socket by its name as sd_notify(3) has it: a path, or an abstract name behind `@`.
    ///
    /// # Errors
    /// When no socket can have that name.
    pub fn named(name: &[u8]) -> io::Result<Self> {
        let address = match name {
            [b'@', name @ ..] => UnixAddr::new_abstract(name)?,
            [b'/', ..] => UnixAddr::new(name)?,
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        Ok(Self { address })
    }

    /// Sends a datagram, unless that would have to wait.
    ///
    /// # Errors
    /// Those of sendmsg(2).
    pub fn send(&self, bytes: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
        let socket = unbound()?;
        let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&numbers)];
        let rights = if numbers.is_empty() { &[][..] } else { &rights };
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let parts = [IoSlice::new(bytes)];
        sendmsg(
            socket.as_raw_fd(),
            &parts,
            rights,
            flags,
            Some(&self.address),
        )?;
        Ok(())
    }
}

fn unbound() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    Ok(socket(
        AddressFamily::Unix,
        SockType::Datagram,
        flags,
        None,
    )?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn datagrams_arrive_with_sender_and_descriptors() {
        let (inbox, name) = Inbox::open().expect("a socket");
        assert!(inbox.next().expect("nothing").is_none());
        let recipient = Recipient::named(&[b"@", &name[..]].concat()).expect("a name");
        let (mut reader, writer) = io::pipe().expect("a pipe");
        recipient.send(b"READY=1", &[writer.into()]).expect("sent");
        let datagram = inbox.next().expect("received").expect("one");
        assert_eq!(datagram.bytes, b"READY=1");
        let user = crate::sys::fs::effective_user();
        assert_eq!(datagram.sender, Some((Some(Pid::own()), user)));
        assert_eq!(datagram.descriptors.len(), 1);
        // Nobody else has kept the writing end.
        drop(datagram);
        assert_eq!(reader.read(&mut [0]).expect("the end"), 0);
        assert!(inbox.next().expect("nothing more").is_none());
    }

    #[test]
    fn names_are_absolute_or_abstract() {
        for (name, is_valid) in [
            (&b"/run/x"[..], true),
            (b"@x", true),
            (b"x", false),
            (b"", false),
        ] {
            assert_eq!(Recipient::named(name).is_ok(), is_valid, "{name:?}");
        }
    }
}
