//! `escrun unlock`: has a daemon open its identities, with the answers of the person at the terminal.

use std::fs::File;
use std::path::Path;

use super::error::Failure;
use super::lock;
use super::prompt::Terminal;
use super::standard_input;
use super::ui::Ui;
use crate::client::{Client, Unlocked};
use crate::crypt::{Prompt as _, Unanswered};
use crate::protocol::{LockState, Question};
use crate::secret::Secret;

/// How often a person is asked the same.
const ATTEMPTS: usize = 3;

/// The largest file of passphrases, in bytes.
const LONGEST: usize = 64 << 10;

/// Answers until nothing is asked any more. With a file, each of its lines answers one question, and nobody is asked.
pub(super) fn unlock(ui: &Ui, client: &Client, file: Option<&Path>) -> Result<(), Failure> {
    let mut source = match file {
        Some(file) => Source::Lines(lines(file)?),
        None => Source::Terminal { attempts: ATTEMPTS },
    };
    let mut answers = Vec::new();
    loop {
        match client.unlock(&answers)? {
            Unlocked::Done(state) => {
                return lock::tell(ui, client, &state, &told(&state));
            }
            Unlocked::Asks(refused) => {
                let is_first = answers.is_empty();
                if !is_first {
                    ui.warning(&refused.error.message);
                }
                answers = source.answer(&refused.keys.questions, is_first)?;
            }
        }
    }
}

/// Who answers.
enum Source {
    /// A file.
    Lines(Vec<Secret>),
    /// The person at the terminal, who may be asked so many times more.
    Terminal { attempts: usize },
}

impl Source {
    fn answer(
        &mut self,
        questions: &[Question],
        is_first: bool,
    ) -> Result<Vec<(String, Secret)>, Failure> {
        match self {
            Self::Lines(lines) => {
                let lines = std::mem::take(lines);
                if lines.is_empty() {
                    let what = if is_first {
                        "a passphrase"
                    } else {
                        "any other passphrase"
                    };
                    return Err(Failure::new(format!("the file does not have {what}")));
                }
                let texts = questions.iter().map(|question| question.text.clone());
                Ok(texts.zip(lines).collect())
            }
            Self::Terminal { attempts } => {
                if *attempts == 0 {
                    return Err(Failure::new("the identities are still locked"));
                }
                *attempts -= 1;
                questions.iter().map(ask).collect()
            }
        }
    }
}

fn ask(question: &Question) -> Result<(String, Secret), Failure> {
    let answer = if question.hidden {
        Terminal.passphrase(&question.text)
    } else {
        let text = Terminal.text(&question.text);
        text.map(|text| Secret::from_parts(&[text.as_bytes()]))
    };
    let answer = answer.map_err(|reason| match reason {
        Unanswered::NoTerminal => Failure::new("there is no terminal to ask at")
            .with_hint("--passphrase-file reads the passphrases from a file or standard input"),
        _ => Failure::new("the identities stay locked"),
    })?;
    Ok((question.text.clone(), answer))
}

/// The lines of a file, each in locked memory.
fn lines(file: &Path) -> Result<Vec<Secret>, Failure> {
    let whole = if file == Path::new("-") {
        standard_input::read()?
    } else {
        let read = File::open(file).and_then(|opened| Secret::read_from(opened, LONGEST));
        read.map_err(|error| Failure::io(file.display(), &error))?
    };
    // Exposed: each part is copied to the same kind of memory.
    let lines = whole.expose().split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(|line| Secret::from_parts(&[line]))
        .collect())
}

fn told(state: &LockState) -> String {
    match state.identities.len() {
        0 => "unlocked; there is no identity".to_owned(),
        _ => format!("unlocked: {}", state.identities.join(", ")),
    }
}
