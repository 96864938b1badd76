//! Runs a program to its end: input in, output out, both bounded, and no longer than it may take.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use zeroize::Zeroizing;

use crate::launcher::{Invocation, Launched, Launcher, Streams};
use crate::value::Text;

/// How much of what a program says on its standard error is kept, in bytes.
const COMPLAINT_LIMIT: usize = 64 * 1024;
/// How often the end of a program is looked for while something else holds its output open.
const TICK: Duration = Duration::from_millis(20);

/// A program and all it gets.
pub(super) struct Run {
    pub(super) invocation: Invocation,
    /// What starts it.
    pub(super) launcher: Arc<dyn Launcher>,
    /// What it reads.
    pub(super) input: Text,
    pub(super) timeout: Duration,
    /// How much it may write, in bytes.
    pub(super) output_limit: usize,
}

/// What a program that ended has left.
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) output: Zeroizing<Vec<u8>>,
    /// What it wrote to its standard error, if it was short the whole of it.
    pub(super) complaint: Complaint,
}

/// What a program wrote to its standard error.
pub(super) struct Complaint {
    pub(super) text: Zeroizing<Vec<u8>>,
    /// Whether there was more.
    pub(super) is_cut: bool,
}

/// Why a program did not end by itself.
pub(super) enum Failure {
    /// It could not be started.
    Start(io::Error),
    /// Talking to it failed.
    Talk(io::Error),
    /// It took too long.
    TimedOut(Complaint),
    /// It wrote too much.
    TooMuch,
}

impl Run {
    /// Runs the program. It ends before this returns; what it has started may go on if the program ended by itself.
    pub(super) fn run(self) -> Result<Output, Failure> {
        let deadline = Instant::now() + self.timeout;
        let (mut child, ours) = self.start().map_err(Failure::Start)?;
        let mut talk = Talk::begin(ours, &self.input, self.output_limit).map_err(Failure::Talk)?;
        loop {
            let status = child.try_wait().map_err(Failure::Talk)?;
            if let Some(status) = status {
                // What it wrote is in the pipes, which something that it started may hold open.
                talk.receive().map_err(Failure::Talk)?;
                if talk.output.is_over {
                    return Err(Failure::TooMuch);
                }
                return Ok(Output {
                    status,
                    output: talk.output.bytes,
                    complaint: talk.complaint.into_complaint(),
                });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                child.kill();
                talk.receive().map_err(Failure::Talk)?;
                return Err(Failure::TimedOut(talk.complaint.into_complaint()));
            }
            talk.exchange(left.min(TICK)).map_err(Failure::Talk)?;
            if talk.output.is_over {
                return Err(Failure::TooMuch);
            }
        }
    }

    fn start(&self) -> io::Result<(Box<dyn Launched>, Ends)> {
        // The file is busy while whoever has just written it, or a child of his, has not closed it.
        for _ in 0..50 {
            match self.start_once() {
                Err(error) if error.raw_os_error() == Some(libc::ETXTBSY) => {
                    thread::sleep(Duration::from_millis(10));
                }
                result => return result,
            }
        }
        self.start_once()
    }

    fn start_once(&self) -> io::Result<(Box<dyn Launched>, Ends)> {
        let (input, stdin) = io::pipe()?;
        let (stdout, output) = io::pipe()?;
        let (stderr, complaints) = io::pipe()?;
        let streams = Streams {
            input: input.into(),
            output: output.into(),
            complaints: complaints.into(),
        };
        let child = self.launcher.launch(&self.invocation, streams)?;
        let ends = Ends {
            stdin,
            stdout,
            stderr,
        };
        Ok((child, ends))
    }
}

/// Our ends of the three standard streams.
struct Ends {
    stdin: PipeWriter,
    stdout: PipeReader,
    stderr: PipeReader,
}

/// The three standard streams, of which none ever waits.
struct Talk<'a> {
    stdin: Option<PipeWriter>,
    input: &'a [u8],
    output: Stream,
    complaint: Stream,
}

impl<'a> Talk<'a> {
    fn begin(ends: Ends, input: &'a Text, output_limit: usize) -> io::Result<Self> {
        let Ends {
            stdin,
            stdout,
            stderr,
        } = ends;
        do_not_wait(stdin.as_fd())?;
        do_not_wait(stdout.as_fd())?;
        do_not_wait(stderr.as_fd())?;
        Ok(Self {
            stdin: Some(stdin),
            // The program reads its input; the copy in the pipe is the kernel's.
            input: input.bytes(),
            output: Stream::new(stdout, output_limit),
            complaint: Stream::new(stderr, COMPLAINT_LIMIT),
        })
    }

    /// Waits until a stream is ready, or for `wait`, and moves what can be moved.
    fn exchange(&mut self, wait: Duration) -> io::Result<()> {
        if self.input.is_empty() {
            self.stdin = None;
        }
        let mut ready = Vec::with_capacity(3);
        if let Some(stdin) = &self.stdin {
            ready.push(PollFd::new(stdin.as_fd(), PollFlags::POLLOUT));
        }
        for descriptor in [self.output.descriptor(), self.complaint.descriptor()]
            .into_iter()
            .flatten()
        {
            ready.push(PollFd::new(descriptor, PollFlags::POLLIN));
        }
        if ready.is_empty() {
            // It has closed everything; only its end is missing.
            thread::sleep(wait.min(Duration::from_millis(1)));
            return Ok(());
        }
        let milliseconds = wait.as_millis().clamp(1, 1000) as u16;
        match poll(&mut ready, PollTimeout::from(milliseconds)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.send()?;
        self.receive()
    }

    fn send(&mut self) -> io::Result<()> {
        while let Some(stdin) = &mut self.stdin {
            match stdin.write(self.input) {
                Ok(count) => self.input = &self.input[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // It need not read what it is given.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.input = &[],
                Err(error) => return Err(error),
            }
            if self.input.is_empty() {
                self.stdin = None;
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<()> {
        self.output.receive()?;
        self.complaint.receive()
    }
}

fn do_not_wait(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFL)?);
    fcntl(descriptor, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// A stream that is read up to a limit.
struct Stream {
    reader: Option<PipeReader>,
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
    is_over: bool,
}

/// How much is read at a time, in bytes.
const CHUNK: usize = 16 * 1024;

impl Stream {
    fn new(reader: PipeReader, limit: usize) -> Self {
        Self {
            reader: Some(reader),
            bytes: Zeroizing::new(Vec::with_capacity(2 * CHUNK)),
            limit,
            is_over: false,
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.reader.as_ref().map(AsFd::as_fd)
    }

    /// Reads what is there, but no more than the limit and a little: whoever writes without end is not followed.
    fn receive(&mut self) -> io::Result<()> {
        let mut left = self.limit + CHUNK;
        while let Some(reader) = &mut self.reader {
            if left == 0 {
                break;
            }
            if self.bytes.capacity() - self.bytes.len() < CHUNK {
                // A vector that grows by itself may leave its old bytes behind.
                let mut larger = Zeroizing::new(Vec::with_capacity(self.bytes.capacity() * 2));
                larger.extend_from_slice(&self.bytes);
                self.bytes = larger;
            }
            let length = self.bytes.len();
            self.bytes.resize(length + CHUNK.min(left), 0);
            let result = reader.read(&mut self.bytes[length..]);
            let count = *result.as_ref().unwrap_or(&0);
            self.bytes.truncate(length + count);
            left -= count;
            match result {
                Ok(0) => self.reader = None,
                Ok(_) => {
                    self.is_over |= self.bytes.len() > self.limit;
                    self.bytes.truncate(self.limit);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn into_complaint(self) -> Complaint {
        Complaint {
            text: self.bytes,
            is_cut: self.is_over,
        }
    }
}

/// What is said of the way in which a program ended.
pub(super) fn describe_status(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(number)) => match Signal::try_from(number) {
            Ok(signal) => format!("signal {signal}"),
            Err(_) => format!("signal {number}"),
        },
        (None, None) => "an unknown status".to_owned(),
    }
}
