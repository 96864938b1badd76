//! The terminal: everything that is printed goes through here.
//!
//! Nothing is buffered by the standard library, whose buffers would keep a copy of what passed through them.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd;

use nix::errno::Errno;
use serde::Serialize;

use super::args::{Color, MessageFormat, Shared};
use super::error::Failure;
use super::render;
use crate::diagnostic::{self, Diagnostic};
use crate::log;

/// More faults at once than this are not read by people.
const MOST_SHOWN: usize = 50;

/// How things are printed.
#[derive(Clone, Copy)]
pub(super) struct Ui {
    format: MessageFormat,
    color: bool,
    excerpts: bool,
    quiet: bool,
    verbose: u8,
}

impl Ui {
    /// Takes the choices from the options and from whether standard error is a terminal.
    pub(super) fn new(shared: &Shared, no_color: bool) -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            format: shared.message_format,
            color: match shared.color {
                Color::Auto => terminal && !no_color,
                Color::Always => true,
                Color::Never => false,
            },
            excerpts: terminal,
            quiet: shared.quiet,
            verbose: shared.verbose,
        }
    }

    /// How things are printed before the options are known, and after they are forgotten.
    pub(super) fn before_options(format: MessageFormat) -> Self {
        Self {
            format,
            color: false,
            excerpts: false,
            quiet: false,
            verbose: 0,
        }
    }

    /// How faults are printed.
    pub(super) fn format(&self) -> MessageFormat {
        self.format
    }

    /// How much a supervisor tells, to whom these choices are handed on.
    pub(super) fn log_level(&self) -> log::Level {
        match (self.quiet, self.verbose) {
            (true, _) => log::Level::Error,
            (_, 0) => log::Level::Warning,
            (_, 1) => log::Level::Info,
            _ => log::Level::Debug,
        }
    }

    /// How much a daemon tells: one step more, since what it does is all that is to be seen of it.
    pub(super) fn daemon_log_level(&self) -> log::Level {
        match self.log_level() {
            log::Level::Error => log::Level::Error,
            log::Level::Warning => log::Level::Info,
            _ => log::Level::Debug,
        }
    }

    /// Prints a line that is part of what was asked for, on standard error.
    pub(super) fn say(&self, text: &str) {
        self.err(text);
    }

    /// Prints all diagnostics in order; returns whether one is an error.
    pub(super) fn diagnostics(&self, mut diagnostics: Vec<Diagnostic>) -> bool {
        diagnostic::sort(&mut diagnostics);
        let is_wanted = |diagnostic: &&Diagnostic| !self.quiet || diagnostic.is_error();
        let wanted: Vec<&Diagnostic> = diagnostics.iter().filter(is_wanted).collect();
        match self.format {
            MessageFormat::Json => wanted
                .iter()
                .for_each(|diagnostic| self.err(&diagnostic.to_json())),
            MessageFormat::Plain => self.for_people(&told_once(wanted)),
        }
        diagnostic::any_error(&diagnostics)
    }

    /// Prints diagnostics, and for each how many more it stands for.
    fn for_people(&self, diagnostics: &[(&Diagnostic, usize)]) {
        for (diagnostic, more) in diagnostics.iter().take(MOST_SHOWN) {
            let text = render::plain(diagnostic, *more, self.excerpts, self.color);
            self.err(&text);
        }
        if diagnostics.len() > MOST_SHOWN {
            self.err(&format!("and {} more", diagnostics.len() - MOST_SHOWN));
        }
    }

    /// Prints what there is to tell of a failure.
    pub(super) fn failure(&self, failure: &Failure) {
        self.diagnostics(failure.diagnostics.clone());
        let Some(message) = &failure.message else {
            return;
        };
        let diagnostic = Diagnostic {
            hint: failure.hint.clone(),
            ..Diagnostic::error_nowhere(message.as_str())
        };
        self.diagnostics(vec![diagnostic]);
    }

    /// Prints a warning that is no diagnostic.
    pub(super) fn warning(&self, message: &str) {
        self.diagnostics(vec![Diagnostic::warning_nowhere(message)]);
    }

    /// Prints a line on what was done, unless that is not wanted.
    pub(super) fn info(&self, text: &str) {
        if !self.quiet {
            self.err(&render::sanitized(text));
        }
    }

    /// Prints a line for those who want to know more.
    pub(super) fn note(&self, text: &str) {
        if self.verbose > 0 {
            self.err(&format!("note: {}", render::sanitized(text)));
        }
    }

    /// Prints a line on standard error. That it cannot be printed changes nothing.
    fn err(&self, line: &str) {
        let _ = write_all(io::stderr(), format!("{line}\n").as_bytes());
    }

    /// Prints a line of JSON on standard output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn out_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(value);
        let json = json.expect("texts and numbers can always be written as JSON") + "\n";
        self.out(json.as_bytes())
    }

    /// Prints on standard output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn out(&self, bytes: &[u8]) -> Result<(), Failure> {
        write_all(io::stdout(), bytes).map_err(unwritten)
    }
}

/// The diagnostics without those that only repeat one before, and how often each is repeated.
fn told_once(diagnostics: Vec<&Diagnostic>) -> Vec<(&Diagnostic, usize)> {
    let mut told: Vec<(&Diagnostic, usize)> = Vec::new();
    for diagnostic in diagnostics {
        match told.iter_mut().find(|(first, _)| diagnostic.repeats(first)) {
            Some((_, more)) => *more += 1,
            None => told.push((diagnostic, 0)),
        }
    }
    told
}

/// What it means that standard output cannot be written.
pub(super) fn unwritten(errno: Errno) -> Failure {
    match errno {
        // Whoever read it has had enough; that is no news to anyone. 128 + SIGPIPE, as a shell would say.
        Errno::EPIPE => Failure::told().with_status(141),
        errno => Failure::new(format!(
            "writing to standard output: {}",
            errno.desc().to_lowercase()
        )),
    }
}

fn write_all(to: impl AsFd, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        match nix::unistd::write(&to, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
