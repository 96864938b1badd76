//! Questions to the person at the terminal.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd};

use crate::crypt::{Prompt, Unanswered};
use crate::secret::Secret;

/// Asks at the terminal of the session, wherever standard input and output lead.
pub(super) struct Terminal;

impl Prompt for Terminal {
    fn message(&self, text: &str) {
        if let Ok(mut terminal) = open() {
            let _ = terminal.write_all(format!("escrun: {text}\n").as_bytes());
        }
    }

    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Result<bool, Unanswered> {
        let choice = match no {
            Some(no) => format!("{question} (y: {yes}, n: {no})"),
            None => format!("{question} (y: {yes})"),
        };
        Ok(self.text(&choice)?.trim().to_lowercase().starts_with('y'))
    }

    fn text(&self, question: &str) -> Result<String, Unanswered> {
        let terminal = open().map_err(|_| Unanswered::NoTerminal)?;
        let prompt = format!("{question}: ");
        write(terminal.as_fd(), prompt.as_bytes());
        let mut line = Vec::new();
        let mut byte = [0];
        // Byte by byte, so that nothing that was typed ahead is taken from the command.
        loop {
            match nix::unistd::read(terminal.as_fd(), &mut byte) {
                Ok(0) => return Err(Unanswered::Declined),
                Ok(_) if byte == *b"\n" => break,
                Ok(_) => line.push(byte[0]),
                Err(nix::errno::Errno::EINTR) => {}
                Err(_) => return Err(Unanswered::NoTerminal),
            }
        }
        String::from_utf8(line).map_err(|_| Unanswered::Declined)
    }

    fn passphrase(&self, question: &str) -> Result<Secret, Unanswered> {
        Secret::ask(&format!("{question}: ")).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Unanswered::NoTerminal,
            _ => Unanswered::Declined,
        })
    }
}

/// Answers nothing: what was not asked at the start is not asked while a command runs.
pub(super) struct Nobody;

impl Prompt for Nobody {
    fn message(&self, text: &str) {
        // Nobody is left to tell if that fails.
        let _ = writeln!(std::io::stderr(), "escrun: {text}");
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Result<bool, Unanswered> {
        Err(Unanswered::NoTerminal)
    }

    fn text(&self, _: &str) -> Result<String, Unanswered> {
        Err(Unanswered::NoTerminal)
    }

    fn passphrase(&self, _: &str) -> Result<Secret, Unanswered> {
        Err(Unanswered::NoTerminal)
    }
}

fn open() -> std::io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}

fn write(terminal: BorrowedFd<'_>, text: &[u8]) {
    let _ = nix::unistd::write(terminal, text);
}
