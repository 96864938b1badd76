//! Datagrams between processes of one machine, with who sent them and what descriptors came with them: unix(7).

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, bind, getsockname,
    sendmsg, setsockopt, socket, sockopt,
};

use super::children::Pid;

/// The longest datagram that is taken, in bytes; what is longer is cut off.
const LONGEST: usize = 8 << 10;

/// The most descriptors that the kernel lets come with one (unix(7), `SCM_MAX_FD`).
const MOST_DESCRIPTORS: usize = 253;

/// Room for them and for the sender, in bytes.
// SAFETY: computes with numbers only.
const ROOM: usize = unsafe {
    libc::CMSG_SPACE(size_of::<libc::ucred>() as u32) as usize
        + libc::CMSG_SPACE((MOST_DESCRIPTORS * size_of::<RawFd>()) as u32) as usize
};

/// Aligned as cmsg(3) wants it.
#[repr(align(8))]
struct Control([u8; ROOM]);

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
        match receive(self.socket.as_fd(), libc::MSG_DONTWAIT) {
            Ok(datagram) => Ok(Some(datagram)),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
                _ => Err(error),
            },
        }
    }
}

/// Receives a datagram or a packet, with all that came with it. No program inherits its descriptors.
///
/// # Errors
/// Those of recvmsg(2).
pub(super) fn receive(socket: BorrowedFd<'_>, flags: libc::c_int) -> io::Result<Datagram> {
    let mut bytes = vec![0; LONGEST];
    let mut control = Control([0; ROOM]);
    let mut part = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: zeroes are a valid header.
    let mut header: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = ROOM as _;
    let flags = flags | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: the header leads to memory of ours that is as long as it says.
    let count = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut header, flags) };
    let Ok(count) = usize::try_from(count) else {
        return Err(io::Error::last_os_error());
    };
    bytes.truncate(count);
    let mut datagram = Datagram {
        bytes,
        sender: None,
        descriptors: Vec::new(),
    };
    // SAFETY: recvmsg(2) has filled the header and what it leads to.
    unsafe { datagram.take_control(&header) };
    Ok(datagram)
}

impl Datagram {
    /// Takes who sent it and what came with it. Whatever the kernel has made is taken, even if more was cut off, so that
    /// nobody can fill this process with descriptors that it does not know of.
    ///
    /// # Safety
    /// The header is one that recvmsg(2) has filled, and its descriptors are nobody's yet.
    unsafe fn take_control(&mut self, header: &libc::msghdr) {
        // SAFETY: by the caller's word; the macros of cmsg(3) stay within what the header says, and the data need not be
        // aligned.
        unsafe {
            let mut message = libc::CMSG_FIRSTHDR(header);
            while let Some(found) = message.as_ref() {
                let data = libc::CMSG_DATA(message);
                #[allow(clippy::unnecessary_cast, reason = "other C libraries have 32 bits")]
                let length = (found.cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
                match (found.cmsg_level, found.cmsg_type) {
                    (libc::SOL_SOCKET, libc::SCM_CREDENTIALS)
                        if length >= size_of::<libc::ucred>() =>
                    {
                        let who = data.cast::<libc::ucred>().read_unaligned();
                        self.sender = Some((Pid::from_number(who.pid), who.uid));
                    }
                    (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                        let numbers = data.cast::<RawFd>();
                        for index in 0..length / size_of::<RawFd>() {
                            let number = numbers.add(index).read_unaligned();
                            self.descriptors.push(OwnedFd::from_raw_fd(number));
                        }
                    }
                    _ => {}
                }
                message = libc::CMSG_NXTHDR(header, message);
            }
        }
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
    fn no_descriptor_is_left_that_nobody_knows_of() {
        let (inbox, name) = Inbox::open().expect("a socket");
        let recipient = Recipient::named(&[b"@", &name[..]].concat()).expect("a name");
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let copy = || OwnedFd::from(writer.try_clone().expect("a descriptor"));
        let many: Vec<_> = (0..MOST_DESCRIPTORS).map(|_| copy()).collect();
        recipient.send(b"x", &many).expect("sent");
        drop((many, writer));
        let datagram = inbox.next().expect("received").expect("one");
        assert_eq!(datagram.descriptors.len(), MOST_DESCRIPTORS);
        drop(datagram);
        assert_eq!(reader.read(&mut [0]).expect("the end"), 0);
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
