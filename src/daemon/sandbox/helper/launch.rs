//! Programs that are started by the helper: a [`Launcher`] on the daemon's side, and what an attendant does for it.

use std::ffi::CString;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::request::{News, errno, read_invocation, write_invocation};
use super::{Duty, Helper, Line, gone, variable};
use crate::launcher::{Invocation, Launched, Launcher, Streams};
use crate::sys::children::{Change, Next, Pid, next_change};
use crate::sys::signal::{Receiver, Signal, Target, send};
use crate::sys::start::{Failure, Image};
use crate::sys::step::Step;

/// How long an attendant may take for a word. It waits for nobody but the system, so that one which takes longer was stopped;
/// and who waits for it may be who serves everybody.
const PATIENCE: Duration = Duration::from_secs(3);

impl Launcher for Helper {
    fn launch(&self, invocation: &Invocation, streams: Streams) -> io::Result<Box<dyn Launched>> {
        let mut line = self.call(
            Duty::Launch,
            &[
                streams.input.as_fd(),
                streams.output.as_fd(),
                streams.complaints.as_fd(),
            ],
        )?;
        // Only the program has them from here on, so that their other ends see it end.
        drop(streams);
        line.set_read_timeout(Some(PATIENCE))?;
        line.set_write_timeout(Some(PATIENCE))?;
        let mut request = Vec::new();
        write_invocation(&mut request, invocation)?;
        // An attendant that refuses does not read; then it has said why.
        let sent = line.write_all(&request);
        match News::read(&mut line).and_then(|news| sent.map(|()| news)) {
            Ok(News::Started) => {}
            Ok(News::Failed(errno)) => return Err(io::Error::from_raw_os_error(errno)),
            // socket(7): so a limit ends that was set on a socket.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::Error::other(
                    "the process that starts programs does not answer",
                ));
            }
            Ok(News::Ended(_)) | Err(_) => return Err(gone()),
        }
        line.set_nonblocking(true)?;
        Ok(Box::new(Attended { line, end: None }))
    }
}

/// A program that an attendant looks after.
#[derive(Debug)]
struct Attended {
    line: Line,
    end: Option<ExitStatus>,
}

impl Launched for Attended {
    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.end.is_none() {
            match News::read(&mut self.line) {
                Ok(News::Ended(status)) => self.end = Some(status),
                Ok(_) => return Err(gone()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(gone()),
            }
        }
        Ok(self.end)
    }

    fn kill(&mut self) {
        if self.end.is_some() {
            return;
        }
        // The attendant sees the end of its requests, kills, waits, and closes its own end.
        let _ = self.line.shutdown(Shutdown::Write);
        let _ = self.line.set_nonblocking(false);
        if let Ok(News::Ended(status)) = News::read(&mut self.line) {
            self.end = Some(status);
        }
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What an attendant does: starts the program that it is told on `line`, and tells how it ends. All signals are blocked.
pub(super) fn attend(mut line: UnixStream, streams: [OwnedFd; 3]) -> io::Result<()> {
    let invocation = read_invocation(&mut line)?;
    let signals = Receiver::new()?;
    let pid = match start(&invocation, &streams) {
        Ok(pid) => pid,
        Err(error) => return News::Failed(errno(&error)).write(&mut line),
    };
    // The program's alone now: who reads its output shall see that it ends.
    drop(streams);
    let told = News::Started.write(&mut line);
    let mut waited = [
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        PollFd::new(line.as_fd(), PollFlags::POLLIN),
    ];
    let mut wanted = told.is_ok();
    while wanted {
        match poll(&mut waited, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        while signals.next()?.is_some() {}
        if let Some(news) = ended(pid)? {
            return news.write(&mut &line);
        }
        // Nothing more is ever said there, so this is the end of it.
        wanted = waited[1].any() != Some(true);
    }
    // Not reaped, so the number is still its own. A program that has ended may have left others in its group.
    for target in [Target::Group(pid), Target::Process(pid)] {
        let _ = send(target, Signal::KILL);
    }
    loop {
        if let Some(news) = ended(pid)? {
            return news.write(&mut &line);
        }
        let mut next = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut next, PollTimeout::from(100u8));
        while signals.next()?.is_some() {}
    }
}

/// Whether the program has ended, and how.
fn ended(pid: Pid) -> io::Result<Option<News>> {
    loop {
        match next_change()? {
            Next::Change(who, Change::Ended(end)) if who == pid => return Ok(Some(News::of(end))),
            Next::Change(..) => {}
            Next::Nothing => return Ok(None),
            Next::Childless => return Err(io::ErrorKind::NotFound.into()),
        }
    }
}

fn start(invocation: &Invocation, streams: &[OwnedFd; 3]) -> io::Result<Pid> {
    let c_string = |text: &std::ffi::OsStr| CString::new(text.as_bytes());
    let program = c_string(invocation.program.as_os_str())?;
    let mut arguments = vec![program.clone()];
    for argument in &invocation.arguments {
        arguments.push(CString::new(argument.clone().into_vec())?);
    }
    let variables = invocation.environment.iter();
    let variables: Vec<CString> = variables
        .map(|(name, value)| variable(name, value))
        .collect::<io::Result<_>>()?;
    let mut steps = vec![
        // Signals for it must reach what it starts.
        Step::LeadGroup,
        Step::ChangeFolder(c_string(invocation.folder.as_os_str())?),
        Step::DieWithParent(Signal::KILL),
    ];
    let placed = (libc::STDIN_FILENO..).zip(streams);
    steps.extend(placed.map(|(to, from)| Step::Place {
        from: from.as_raw_fd(),
        to,
    }));
    let variables = variables.iter().map(CString::as_c_str);
    Image::new(program, arguments)
        .start(variables, &[], &steps)
        .map_err(|Failure { error, .. }| error)
}
