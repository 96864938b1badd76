//! What a person was asked and what could be read only once, kept for when values are composed anew: nobody is asked twice.

use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::crypt::{Prompt, Unanswered};
use crate::run::wire::{
    self, MOST, read_length, read_name, read_secret, write_bytes, write_length,
};
use crate::secret::Secret;

/// Begins what is written; the digit changes with the form.
const MAGIC: &[u8; 8] = b"recall\0\x01";

/// Answers, and someone who gives those that are missing.
pub(super) struct Recollection {
    entries: Mutex<Vec<Entry>>,
    source: Box<dyn Prompt>,
}

/// One answer.
struct Entry {
    /// The question, or the name of what was read.
    subject: String,
    answer: Secret,
}

impl Recollection {
    /// Nothing yet; `source` is asked, each question once.
    pub(super) fn new(source: impl Prompt + 'static) -> Self {
        Self {
            entries: Mutex::default(),
            source: Box::new(source),
        }
    }

    /// What [`Self::encode`] gave. `source` is asked what is not in it.
    ///
    /// # Errors
    /// Those of reading; `InvalidData` for anything else.
    pub(super) fn read(from: &mut impl Read, source: impl Prompt + 'static) -> io::Result<Self> {
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let recollection = Self::new(source);
        for _ in 0..read_length(from, MOST)? {
            let subject = read_name(from)?.to_string_lossy().into_owned();
            let answer = read_secret(from)?;
            recollection.lock().push(Entry { subject, answer });
        }
        Ok(recollection)
    }

    /// All of it as bytes in locked memory.
    pub(super) fn encode(&self) -> Secret {
        let entries = self.lock();
        wire::encode(|to| {
            to.write_all(MAGIC)?;
            write_length(to, entries.len())?;
            for entry in entries.iter() {
                write_bytes(to, entry.subject.as_bytes())?;
                // Exposed: whoever composes anew has to know the answers.
                write_bytes(to, entry.answer.expose())?;
            }
            Ok(())
        })
    }

    /// The answer to `subject`: the one that is known, or what `find` finds, which is known from then on.
    ///
    /// # Errors
    /// Those of `find`.
    pub(super) fn recall<E>(
        &self,
        subject: &str,
        find: impl FnOnce() -> Result<Secret, E>,
    ) -> Result<Secret, E> {
        let known = self.lock().iter().find_map(|entry| {
            // Exposed: a copy in the same kind of memory is all that comes of it.
            (entry.subject == subject).then(|| Secret::from_parts(&[entry.answer.expose()]))
        });
        if let Some(known) = known {
            return Ok(known);
        }
        // Not locked meanwhile: a plugin may show a message while a person thinks.
        let found = find()?;
        self.lock().push(Entry {
            subject: subject.to_owned(),
            answer: Secret::from_parts(&[found.expose()]),
        });
        Ok(found)
    }

    /// Whether there is an answer to `subject`.
    pub(super) fn knows(&self, subject: &str) -> bool {
        self.lock().iter().any(|entry| entry.subject == subject)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prompt for Recollection {
    fn message(&self, text: &str) {
        self.source.message(text);
    }

    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Result<bool, Unanswered> {
        let answer = self.recall(question, || {
            let is_yes = self.source.confirm(question, yes, no)?;
            Ok(Secret::from_parts(&[if is_yes { b"y" } else { b"n" }]))
        })?;
        Ok(answer.expose() == b"y")
    }

    fn text(&self, question: &str) -> Result<String, Unanswered> {
        let answer = self.recall(question, || {
            let text = self.source.text(question)?;
            Ok(Secret::from_parts(&[text.as_bytes()]))
        })?;
        // It was typed to be seen.
        Ok(String::from_utf8_lossy(answer.expose()).into_owned())
    }

    fn passphrase(&self, question: &str) -> Result<Secret, Unanswered> {
        self.recall(question, || self.source.passphrase(question))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::prompt::Nobody;
    use super::*;

    /// Counts the questions and answers each with itself.
    struct Echo(Arc<AtomicUsize>);

    impl Prompt for Echo {
        fn message(&self, _: &str) {}

        fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Result<bool, Unanswered> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(true)
        }

        fn text(&self, question: &str) -> Result<String, Unanswered> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(question.to_owned())
        }

        fn passphrase(&self, question: &str) -> Result<Secret, Unanswered> {
            Ok(Secret::from_parts(&[self.text(question)?.as_bytes()]))
        }
    }

    fn ask(prompt: &dyn Prompt) -> Result<(Vec<u8>, String, bool), Unanswered> {
        Ok((
            prompt.passphrase("passphrase for k")?.expose().to_vec(),
            prompt.text("slot")?,
            prompt.confirm("sure?", "yes", None)?,
        ))
    }

    #[test]
    fn nobody_is_asked_twice_even_by_another_process() {
        let asked = Arc::new(AtomicUsize::new(0));
        let recollection = Recollection::new(Echo(Arc::clone(&asked)));
        let expected = Ok((b"passphrase for k".to_vec(), "slot".to_owned(), true));
        assert_eq!(ask(&recollection), expected);
        assert_eq!(ask(&recollection), expected);
        assert_eq!(asked.load(Ordering::Relaxed), 3);

        let encoded = recollection.encode();
        let again = Recollection::read(&mut encoded.expose(), Nobody).expect("read");
        assert_eq!(ask(&again), expected);
        let unknown = again.passphrase("other").err();
        assert_eq!(unknown, Some(Unanswered::NoTerminal));
        assert!(Recollection::read(&mut &b"nonsense"[..], Nobody).is_err());
    }
}
