//! What people have answered, and what they still have to be asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crypt::{Prompt, Unanswered};
use crate::encode::decode_whole_json;
use crate::protocol::Question;
use crate::secret::Secret;
use crate::source::{Origin, Source, Span};
use crate::value::{Data, Text};

/// The most answers that one call brings.
const MOST_ANSWERS: usize = 64;

/// Answers by their questions, in locked memory.
#[derive(Default)]
pub struct Answers {
    entries: Vec<(String, Arc<Secret>)>,
}

impl Answers {
    /// Reads the body of `POST /v1/unlock`: `{"answers": {QUESTION: ANSWER}}`, or nothing. The answers go from `body`,
    /// which is expected to be in locked memory, straight to their own.
    ///
    /// # Errors
    /// What is wrong with it, without any of it.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let origin = Origin::new(&Source::new("request", None, ""), Span::default());
        let call = decode_whole_json(body, true, &origin)?;
        let Data::Object(members) = &call.data else {
            return Err("it is not an object".to_owned());
        };
        if let Some(key) = members.members.keys().find(|key| &***key != "answers") {
            return Err(format!("{} is not known", crate::quote::quoted(key)));
        }
        let Some(answers) = call.member("answers") else {
            return Ok(Self::default());
        };
        let Data::Object(answers) = &answers.data else {
            return Err("answers is not an object".to_owned());
        };
        if answers.members.len() > MOST_ANSWERS {
            return Err(format!("there are more than {MOST_ANSWERS} answers"));
        }
        let entries = answers
            .members
            .iter()
            .map(|(question, answer)| match &answer.value.data {
                Data::String(Text::Secret(text)) => Ok((question.to_string(), Arc::clone(text))),
                _ => Err("an answer is not a text".to_owned()),
            });
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// The answer to one question.
    pub fn one(question: &str, answer: Secret) -> Self {
        Self {
            entries: vec![(question.to_owned(), Arc::new(answer))],
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes the answer to a question.
    pub(super) fn take(&mut self, question: &str) -> Option<Arc<Secret>> {
        let index = self.entries.iter().position(|(text, _)| text == question)?;
        Some(self.entries.swap_remove(index).1)
    }
}

/// Answers the questions of plugins with what is known, and notes those that nobody has answered.
#[derive(Default)]
pub(super) struct Interview {
    state: Mutex<Interviewed>,
}

#[derive(Default)]
struct Interviewed {
    known: Vec<(Question, Arc<Secret>)>,
    open: Vec<Question>,
}

impl Interview {
    /// What was asked, and by nobody answered.
    pub(super) fn open(&self) -> Vec<Question> {
        self.state().open.clone()
    }

    /// Takes the answers to open questions out of `answers`. Says whether there were any.
    pub(super) fn hear(&self, answers: &mut Answers) -> bool {
        let mut state = self.state();
        let Interviewed { known, open } = &mut *state;
        let before = open.len();
        open.retain(|question| match answers.take(&question.text) {
            Some(answer) => {
                known.retain(|(known, _)| known.text != question.text);
                known.push((question.clone(), answer));
                false
            }
            None => true,
        });
        open.len() < before
    }

    /// Forgets all answers. What they answered is open again.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        for (question, _) in std::mem::take(&mut state.known) {
            note(&mut state.open, question);
        }
    }

    fn answer(&self, question: &str, hidden: bool) -> Result<Arc<Secret>, Unanswered> {
        let mut state = self.state();
        if let Some((_, answer)) = state.known.iter().find(|(known, _)| known.text == question) {
            return Ok(Arc::clone(answer));
        }
        let text = question.to_owned();
        note(&mut state.open, Question { text, hidden });
        Err(Unanswered::NoTerminal)
    }

    fn state(&self) -> MutexGuard<'_, Interviewed> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The most questions that are kept: a plugin could think of ever new ones.
const MOST_QUESTIONS: usize = 64;

fn note(open: &mut Vec<Question>, question: Question) {
    let is_known = open.iter().any(|known| known.text == question.text);
    if !is_known && open.len() < MOST_QUESTIONS {
        open.push(question);
    }
}

impl Prompt for Interview {
    fn message(&self, text: &str) {
        tracing::info!(message = text);
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Result<bool, Unanswered> {
        Err(Unanswered::NoTerminal)
    }

    fn text(&self, question: &str) -> Result<String, Unanswered> {
        let answer = self.answer(question, false)?;
        // It may be seen: whoever asks says so.
        Ok(String::from_utf8_lossy(answer.expose()).into_owned())
    }

    fn passphrase(&self, question: &str) -> Result<Secret, Unanswered> {
        let answer = self.answer(question, true)?;
        // A copy in the same kind of memory.
        Ok(Secret::from_parts(&[answer.expose()]))
    }

    fn refused(&self, question: &str) {
        let mut state = self.state();
        let known = state
            .known
            .iter()
            .position(|(known, _)| known.text == question);
        if let Some(index) = known {
            let (question, _) = state.known.swap_remove(index);
            note(&mut state.open, question);
        }
    }
}
