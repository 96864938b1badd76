//! Asks whether a command is up, until it is.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::run::Condition;
use crate::sys::children::Pid;

/// The first wait between two questions; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(50);

/// The longest wait between two questions.
const LONGEST: Duration = Duration::from_secs(1);

/// How long this machine may take to answer itself. Hardly ever more than nothing: it takes a connection or refuses it.
const CONNECTING: Duration = Duration::from_millis(50);

/// Questions about one command.
#[derive(Debug)]
pub(super) struct Prober {
    condition: Condition,
    command: Pid,
    next: Option<Instant>,
    wait: Duration,
    shell: Option<Pid>,
}

/// What is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question<'a> {
    /// Whether this line of shell succeeds.
    Exec(&'a str),
    /// Whether this port takes a connection.
    Port(u16),
}

impl Prober {
    /// Asks about `command` from now on.
    pub(super) fn new(condition: Condition, command: Pid, now: Instant) -> Self {
        Self {
            next: (condition != Condition::Notify).then_some(now),
            condition,
            command,
            wait: FIRST,
            shell: None,
        }
    }

    /// Whom it is about.
    pub(super) fn command(&self) -> Pid {
        self.command
    }

    /// Whether the command says itself that it is up.
    pub(super) fn is_told(&self) -> bool {
        self.condition == Condition::Notify
    }

    /// When to ask next; nothing while an answer is awaited.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// What to ask, if it is time.
    pub(super) fn question(&mut self, now: Instant) -> Option<Question<'_>> {
        self.next.filter(|next| *next <= now)?;
        self.next = None;
        match &self.condition {
            Condition::Exec(line) => Some(Question::Exec(line)),
            Condition::Port(port) => Some(Question::Port(*port)),
            Condition::Notify => None,
        }
    }

    /// This process will answer by its exit status.
    pub(super) fn asked(&mut self, shell: Pid) {
        self.shell = Some(shell);
    }

    /// The process that is to answer.
    pub(super) fn shell(&self) -> Option<Pid> {
        self.shell
    }

    /// The answer was no.
    pub(super) fn denied(&mut self, now: Instant) {
        self.shell = None;
        self.next = Some(now + self.wait);
        self.wait = (self.wait * 2).min(LONGEST);
    }
}

/// Whether a port of this machine takes a connection.
pub(super) fn takes_connections(port: u16) -> bool {
    let addresses = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    let connect =
        |address| -> io::Result<TcpStream> { TcpStream::connect_timeout(&address, CONNECTING) };
    addresses
        .into_iter()
        .any(|address| connect(address).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_become_rarer() {
        let start = Instant::now();
        let command = Pid::own();
        let mut prober = Prober::new(Condition::Port(1), command, start);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let deadline = prober.deadline().expect("a question");
            assert_eq!(
                prober
                    .question(deadline - Duration::from_millis(1))
                    .is_some(),
                false
            );
            assert_eq!(prober.question(deadline), Some(Question::Port(1)));
            assert_eq!(prober.deadline(), None);
            prober.denied(deadline);
            waits.push((prober.deadline().expect("another") - deadline).as_millis());
        }
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000]);
        assert_eq!(
            Prober::new(Condition::Notify, command, start).deadline(),
            None
        );
    }

    #[test]
    fn ports_are_asked_by_either_protocol() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        assert!(takes_connections(port));
        drop(listener);
        assert!(!takes_connections(port));
    }
}
