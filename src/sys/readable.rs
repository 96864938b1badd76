//! Waits, as a task of a runtime, until there is something to read from a descriptor.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What becomes ready when there is something to read.
#[derive(Debug)]
pub struct Readable {
    descriptor: AsyncFd<OwnedFd>,
}

impl Readable {
    /// Waits for what a descriptor stands for, by a copy of it. Within a runtime.
    ///
    /// # Errors
    /// Those of fcntl(2) and epoll_ctl(2): not everything can be waited for.
    pub fn of(descriptor: BorrowedFd<'_>) -> io::Result<Self> {
        let copy = descriptor.try_clone_to_owned()?;
        // SAFETY: the copy is ours alone, so it stays open and the same for as long as the runtime knows of it.
        let descriptor = unsafe { AsyncFd::register_with_interest(copy, Interest::READABLE) };
        Ok(Self {
            descriptor: descriptor.map_err(io::Error::from)?,
        })
    }

    /// Waits until `read` finds something; it finds nothing where reading would block. Nothing is lost if the waiting is
    /// given up.
    ///
    /// # Errors
    /// Those of `read`.
    pub async fn next<R>(&self, mut read: impl FnMut() -> io::Result<Option<R>>) -> io::Result<R> {
        loop {
            let mut ready = self.descriptor.readable().await?;
            match read()? {
                Some(found) => return Ok(found),
                None => ready.clear_ready(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_comes_is_waited_for() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (mut near, mut far) = UnixStream::pair().expect("sockets");
            near.set_nonblocking(true).expect("set");
            let readable = Readable::of(near.as_fd()).expect("watched");
            let mut byte = || {
                let mut byte = [0];
                match near.read(&mut byte) {
                    Ok(_) => Ok(Some(byte[0])),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                    Err(error) => Err(error),
                }
            };
            for sent in [b"ab", b"cd"] {
                let soon = Duration::from_millis(1);
                let nothing = tokio::time::timeout(soon, readable.next(&mut byte)).await;
                assert!(nothing.is_err());
                far.write_all(sent).expect("sent");
                for sent in sent {
                    assert_eq!(readable.next(&mut byte).await.expect("read"), *sent);
                }
            }
        });
    }
}
