//! Asks whether a command is up, until it is.

use std::fs;
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

/// Whether a port of this machine takes connections. The kernel is asked who listens, since a connection would show in the
/// command's logs, and may even meet itself (RFC 9293, section 3.5) and so take the port away.
pub(super) fn takes_connections(port: u16) -> bool {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    if tables.iter().all(Result::is_err) {
        return connects(port);
    }
    let mut tables = tables.into_iter().flatten();
    tables.any(|table| table.lines().any(|line| listens(line, port)))
}

/// Whether a line of /proc/net/tcp (proc_pid_net(5)) is about a socket that listens on `port`.
fn listens(line: &str, port: u16) -> bool {
    const LISTEN: &str = "0A";
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, state) = (fields.next(), fields.nth(1));
    let local = local.and_then(|local| local.rsplit_once(':'));
    let number = local.and_then(|(_, number)| u16::from_str_radix(number, 16).ok());
    state == Some(LISTEN) && number == Some(port)
}

/// Whether a connection can be made: for where /proc is not mounted.
fn connects(port: u16) -> bool {
    let addresses = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
    ];
    addresses.into_iter().any(|address| {
        let connection = TcpStream::connect_timeout(&address, CONNECTING);
        connection.is_ok_and(|it| it.local_addr().ok() != Some(address))
    })
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
            let early = deadline - Duration::from_millis(1);
            assert_eq!(prober.question(early), None);
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
        assert!(takes_connections(port) && connects(port));
        let listener = std::net::TcpListener::bind(("::1", 0));
        let Ok(address) = listener
            .as_ref()
            .map(|it| it.local_addr().expect("an address"))
        else {
            // There is no IPv6 here.
            return;
        };
        assert!(takes_connections(address.port()) && connects(address.port()));
    }

    #[test]
    fn the_kernels_table_is_understood() {
        let listening = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        let connected = "   1: 0100007F:1F90 0100007F:D2F0 01 00000000:00000000 00:00000000";
        assert!(listens(listening, 8080));
        assert!(!listens(listening, 8081));
        assert!(!listens(connected, 8080));
        assert!(!listens("  sl  local_address rem_address   st", 8080));
        assert!(!listens("", 0));
    }
}
