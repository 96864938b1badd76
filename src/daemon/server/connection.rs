//! One connection: requests in, answers out, each within its time.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nix::sys::socket::{Shutdown, shutdown};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until};

use super::calls::{self, Asking, Outcome};
use super::intake::{Intake, Taken};
use super::request::{Method, Refusal, Request};
use super::response::Response;
use super::route::Call;
use super::slots::Slot;
use super::sse;
use crate::daemon::Daemon;
use crate::daemon::context::AFTER_SLEEP;
use crate::daemon::environments::asked_by;
use crate::daemon::peer::Caller;
use crate::daemon::until::until;
use crate::protocol::Code;

/// How long, and for how many bytes, the rest of what a peer sends is read that is told why it is not understood: closing
/// a socket with unread data in it takes the answer from the peer (unix(7): ECONNRESET).
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// How many times the time without progress a whole answer may take.
const PATIENCE: u32 = 10;

/// What a connection waits for, and for how long.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The first request.
    Fresh,
    /// Another one.
    Idle,
    /// The rest of a head.
    Head,
    /// The rest of a body.
    Body,
}

/// Why a connection ends without another word.
struct Gone;

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// Serves a connection until either side has had enough.
pub(super) async fn serve(daemon: Arc<Daemon>, stream: UnixStream, slot: Slot) {
    let mut connection = Connection {
        intake: Intake::new(daemon.allowance.of(slot.user())),
        daemon,
        stream,
        user: slot.user(),
        caller: None,
        has_answered: false,
    };
    // Whoever has gone needs no answer, and the next connection is another matter.
    let watch = connection.run().await;
    let Connection {
        daemon,
        stream,
        caller,
        ..
    } = connection;
    if let Ok(Some(watch)) = watch {
        // A box of its own, so that all other connections are smaller.
        Box::pin(sse::serve(daemon, stream, caller, watch)).await;
    }
    drop(slot);
}

struct Connection {
    daemon: Arc<Daemon>,
    stream: UnixStream,
    intake: Intake,
    /// Whose slot it takes.
    user: u32,
    /// Who is on the other side, once that matters. Kept only where the connection does not tell of the peer again: else
    /// each connection would take two descriptors, of which there are enough for one.
    caller: Option<Caller>,
    has_answered: bool,
}

impl Connection {
    /// Answers requests. Gives the stream that the connection becomes, if one is asked for.
    async fn run(&mut self) -> Result<Option<Box<sse::Stream>>, Gone> {
        loop {
            // A peer that always has the next request ready would else keep the thread from everybody else.
            tokio::task::coop::consume_budget().await;
            let request = match self.next().await? {
                Ok(request) => request,
                Err(refusal) => {
                    self.daemon.metrics.count_refused(Some(refusal.code));
                    self.send(Response::refused(&refusal).closing(), false, false)
                        .await?;
                    self.linger().await;
                    return Ok(None);
                }
            };
            let head_only = request.head.method == Method::Head;
            let keeps_alive = request.head.keeps_alive;
            let response = match Call::of(&request.head) {
                Ok(call) => {
                    let begun = Instant::now();
                    let outcome = self.answer(call, request).await;
                    let code = match &outcome {
                        Outcome::Response(response) => response.code,
                        Outcome::Stream(_) => None,
                    };
                    self.daemon.metrics.count(call, code, begun.elapsed());
                    match outcome {
                        Outcome::Response(response) => response,
                        Outcome::Stream(stream) => return Ok(Some(stream)),
                    }
                }
                Err(response) => {
                    self.daemon.metrics.count_refused(response.code);
                    response
                }
            };
            let stays = keeps_alive && !response.closes && !self.daemon.stop.is_requested();
            self.send(response, head_only, stays).await?;
            self.has_answered = true;
            if !stays {
                return Ok(None);
            }
        }
    }

    async fn answer(&mut self, call: Call, request: Request) -> Outcome {
        if call == Call::Health {
            // For anyone: that somebody asks is no secret, and neither is the answer.
            return Outcome::Response(calls::health());
        }
        if self.daemon.vault.has_slept() {
            self.daemon.after_lock(AFTER_SLEEP);
        }
        let caller = match self.caller.take() {
            Some(caller) => Ok(caller),
            None => Caller::of(&self.stream),
        };
        let peer = caller.and_then(|caller| {
            let peer = caller.peer();
            self.caller = Some(caller).filter(|caller| !caller.can_be_had_again());
            peer
        });
        match peer {
            Ok(peer) => {
                let asking = Asking {
                    daemon: &self.daemon,
                    peer: &peer,
                    connection: Some(&self.stream),
                };
                let answer = calls::answer(asking, call, request);
                Box::pin(asked_by(peer.user, answer)).await
            }
            Err(error) => {
                calls::unknown_peer(&self.daemon, call, self.user, &error);
                // Nothing is believed of what such a peer sends next either.
                Outcome::Response(Response::denied().closing())
            }
        }
    }

    /// The next request, or why what came is none.
    async fn next(&mut self) -> Result<Result<Request, Refusal>, Gone> {
        let mut stage = if self.has_answered {
            Stage::Idle
        } else {
            Stage::Fresh
        };
        let mut deadline = self.deadline(stage);
        let mut taken = match self.intake.is_empty() {
            true => Taken::Partial,
            // What came with the request before.
            false => self.intake.take(&[]),
        };
        loop {
            match taken {
                Taken::Request(request) => return Ok(Ok(request)),
                Taken::Refused(refusal) => return Ok(Err(refusal)),
                Taken::Continue => self.write(&[b"HTTP/1.1 100 Continue\r\n\r\n"]).await?,
                Taken::Partial => {}
            }
            let now = self.stage();
            if now != stage && !(now == Stage::Idle || now == Stage::Fresh) {
                stage = now;
                deadline = self.deadline(stage);
            }
            taken = match self.receive(stage, deadline).await? {
                Ok(taken) => taken,
                Err(refusal) => return Ok(Err(refusal)),
            };
        }
    }

    /// What came of the next piece, or why it is waited for no longer.
    async fn receive(
        &mut self,
        stage: Stage,
        deadline: Instant,
    ) -> Result<Result<Taken, Refusal>, Gone> {
        loop {
            match self.read() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(Gone),
                Ok(taken) => return Ok(Ok(taken)),
            }
            match self.readable(stage, deadline).await {
                Woken::Ready => {}
                // Whoever has not begun a request is owed no answer.
                Woken::Late if matches!(stage, Stage::Fresh | Stage::Idle) => return Err(Gone),
                Woken::Late => {
                    return Ok(Err(Refusal {
                        code: Code::TooSlow,
                        message: "the request did not come in time",
                    }));
                }
                Woken::Ending => return Err(Gone),
            }
        }
    }

    fn stage(&self) -> Stage {
        match (self.intake.is_empty(), self.intake.awaits_body()) {
            (true, _) if self.has_answered => Stage::Idle,
            (true, _) => Stage::Fresh,
            (false, false) => Stage::Head,
            (false, true) => Stage::Body,
        }
    }

    fn deadline(&self, stage: Stage) -> Instant {
        let limits = self.daemon.settings.current().limits;
        Instant::now()
            + match stage {
                Stage::Idle => limits.idle_time,
                Stage::Fresh | Stage::Head => limits.head_time,
                Stage::Body => limits.body_time,
            }
    }

    /// Takes what is there to be read, by way of memory that all connections share and that is wiped each time.
    fn read(&mut self) -> io::Result<Taken> {
        let Self { stream, intake, .. } = self;
        self.daemon.scratch.lend(|buffer| {
            let count = stream.try_read(buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(intake.take(&buffer[..count]))
        })
    }

    /// Waits until something can be read.
    async fn readable(&self, stage: Stage, deadline: Instant) -> Woken {
        let mut late = pin!(sleep_until(deadline));
        let mut ending = pin!(self.daemon.stop.requested());
        // A peer that was let in and has not asked yet is answered even when the daemon ends.
        let may_end = stage == Stage::Idle;
        poll_fn(|context| {
            if self.stream.poll_read_ready(context).is_ready() {
                return Poll::Ready(Woken::Ready);
            }
            if may_end && ending.as_mut().poll(context).is_ready() {
                return Poll::Ready(Woken::Ending);
            }
            late.as_mut().poll(context).map(|()| Woken::Late)
        })
        .await
    }

    async fn send(&self, response: Response, head_only: bool, stays: bool) -> Result<(), Gone> {
        let head = response.head(stays);
        let [first, second, third] = response.parts();
        match head_only {
            true => self.write(&[&head]).await,
            false if response.holds_secrets() => {
                let parts: [&[u8]; 4] = [&head, first, second, third];
                // Whoever is slow to take it does not keep it in memory after a lock.
                let written = until(self.daemon.vault.locked(), self.write(&parts)).await;
                written.unwrap_or(Err(Gone))
            }
            false => self.write(&[&head, first, second, third]).await,
        }
    }

    async fn write(&self, parts: &[&[u8]]) -> Result<(), Gone> {
        Ok(write(
            &self.stream,
            parts,
            self.daemon.settings.current().limits.write_time,
        )
        .await?)
    }

    /// Lets the peer finish what it sends, so that it gets to read what it was told.
    async fn linger(&self) {
        // It has gone already if this fails.
        let _ = shutdown(self.stream.as_raw_fd(), Shutdown::Write);
        let deadline = Instant::now() + LINGER;
        let mut rest = LINGER_BYTES;
        loop {
            let read = self
                .daemon
                .scratch
                .lend(|buffer| self.stream.try_read(buffer));
            match read {
                Ok(count) if count > 0 && count < rest => rest -= count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.readable(Stage::Body, deadline).await {
                        Woken::Ready => {}
                        Woken::Late | Woken::Ending => return,
                    }
                }
                _ => return,
            }
        }
    }
}

/// What ended a wait.
enum Woken {
    Ready,
    Late,
    Ending,
}

/// Writes all of `parts`, from where they lie. The peer may take none of it for `time`, and all of it in some times of that.
///
/// # Errors
/// When the peer has gone or is too slow.
pub(super) async fn write(stream: &UnixStream, parts: &[&[u8]], time: Duration) -> io::Result<()> {
    let mut slices = [IoSlice::new(&[]); 4];
    for (slice, part) in slices.iter_mut().zip(parts) {
        *slice = IoSlice::new(part);
    }
    let mut left = &mut slices[..parts.len()];
    let end = Instant::now() + time * PATIENCE;
    while left.iter().any(|slice| !slice.is_empty()) {
        match stream.try_write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut left, count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let deadline = (Instant::now() + time).min(end);
                tokio::time::timeout_at(deadline, stream.writable()).await??;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
