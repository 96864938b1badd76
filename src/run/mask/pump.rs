//! A thread that moves one stream of the command through a redactor.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Redactor;
use crate::sys::start::block_signals;

/// What a pump still takes when it is told to end, in bytes: the most that a pipe holds (pipe(7)). Who goes on writing
/// after the command has ended would keep it for ever otherwise.
const LEFT_OVER: usize = 1024 * 1024;

/// The thread calls the system and little else.
const STACK: usize = 128 * 1024;

/// Moves one stream, on a thread of its own that ends with it and takes no signals.
pub struct Pump {
    thread: JoinHandle<io::Result<()>>,
    /// A byte is a request; closing it asks for the end.
    requests: Option<io::PipeWriter>,
    /// Gives a byte for each request.
    settled: io::PipeReader,
    /// Its other end is closed when the thread has ended.
    done: io::PipeReader,
}

impl Pump {
    /// Moves what comes from `from` through `redactor` to `to`, until the stream ends. A terminal whose other side is
    /// closed has ended too. If `to` takes no more, `from` is closed, so that who writes there is told as it would be
    /// without a pump.
    ///
    /// # Errors
    /// When there is no pipe or no thread to be had.
    pub fn start(redactor: Redactor, from: OwnedFd, to: OwnedFd) -> io::Result<Self> {
        let (asked, requests) = io::pipe()?;
        let (settled, settles) = io::pipe()?;
        let (done, works) = io::pipe()?;
        let stream = Stream {
            redactor,
            from: from.into(),
            to: to.into(),
            requests: asked,
            settled: settles,
        };
        let thread = thread::Builder::new()
            .name("mask".into())
            .stack_size(STACK)
            .spawn(move || {
                block_signals();
                let _works = works;
                stream.run()
            })?;
        Ok(Self {
            thread,
            requests: Some(requests),
            settled,
            done,
        })
    }

    /// Becomes readable (poll(2) tells a hang-up) when the stream has ended.
    pub fn done(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }

    /// Waits until what is there now has been passed on, but not longer than so many milliseconds: who reads it may have
    /// stopped to.
    pub fn settle(&mut self, patience: u16) {
        let Some(requests) = &mut self.requests else {
            return;
        };
        // A pump that has ended has passed everything on.
        if requests.write_all(&[0]).is_ok() {
            let mut answer = [PollFd::new(self.settled.as_fd(), PollFlags::POLLIN)];
            if poll(&mut answer, PollTimeout::from(patience)) == Ok(1) {
                let _ = self.settled.read(&mut [0]);
            }
        }
    }

    /// Asks the pump to pass on what is there, at most 1 MiB, and to end, though somebody may still hold the other end of
    /// the stream.
    pub fn drain(&mut self) {
        self.requests = None;
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// Those of reading and writing; EPIPE means that nobody reads.
    pub fn join(self) -> io::Result<()> {
        let defect = |_| {
            Err(io::Error::other(
                "the thread that masks output has panicked",
            ))
        };
        self.thread.join().unwrap_or_else(defect)
    }
}

/// What the thread has.
struct Stream {
    redactor: Redactor,
    from: File,
    to: File,
    requests: io::PipeReader,
    settled: io::PipeWriter,
}

/// What the thread is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Request {
    /// To pass on what is there, and say so.
    Settle,
    /// To pass on what is there, and end.
    End,
}

impl Stream {
    fn run(mut self) -> io::Result<()> {
        let mut request = None;
        let mut left_over = LEFT_OVER;
        loop {
            if request.is_none() {
                request = self.wait()?;
                left_over = LEFT_OVER;
            }
            // On Linux, asking a terminal makes the kernel finish what is on its way there.
            if let Some(asked) = request
                && (left_over == 0 || !is_ready(&self.from, PollFlags::POLLIN, PollTimeout::ZERO)?)
            {
                if asked == Request::End {
                    break;
                }
                request = None;
                self.settled.write_all(&[0])?;
                continue;
            }
            let count = match self.from.read(self.redactor.room()) {
                Ok(0) => break,
                Ok(count) => count,
                // pty(7): nobody has the other side open.
                Err(error) if error.raw_os_error() == Some(libc::EIO) => break,
                Err(error) if is_passing(&error) => continue,
                Err(error) => return Err(error),
            };
            left_over = left_over.saturating_sub(count);
            write_all(&self.to, self.redactor.advance(count))?;
        }
        write_all(&self.to, self.redactor.finish())
    }

    /// Waits until there is something to read or to do besides.
    fn wait(&mut self) -> io::Result<Option<Request>> {
        let mut files = [
            PollFd::new(self.from.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.requests.as_fd(), PollFlags::POLLIN),
        ];
        loop {
            match poll(&mut files, PollTimeout::NONE) {
                Ok(_) => break,
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            }
        }
        if files[1].any() != Some(true) {
            return Ok(None);
        }
        let request = match self.requests.read(&mut [0])? {
            0 => Request::End,
            _ => Request::Settle,
        };
        Ok(Some(request))
    }
}

/// Writes all of `pieces`, also to what does not wait by itself.
fn write_all<'a>(mut to: &File, pieces: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.map(IoSlice::new).collect();
    let mut left = &mut slices[..];
    while !left.is_empty() {
        match to.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut left, count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                is_ready(to, PollFlags::POLLOUT, PollTimeout::NONE)?;
            }
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether there is something to do for `file`, after waiting for it.
fn is_ready(file: &File, events: PollFlags, patience: PollTimeout) -> io::Result<bool> {
    match poll(&mut [PollFd::new(file.as_fd(), events)], patience) {
        Ok(count) => Ok(count > 0),
        Err(Errno::EINTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Whether trying again helps.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}
