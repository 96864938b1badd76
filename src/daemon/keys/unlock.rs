//! Unlocks identities by answers.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::answers::Answers;
use super::vault::{Vault, passphrase_question};
use crate::crypt::{Custody, IdentityError};
use crate::protocol::{Code, Fault, LockState, UnlockRefusal};

/// Why identities are not unlocked.
#[derive(Debug)]
pub enum UnlockError {
    /// Something has still to be answered.
    Unanswered(LockState),
    /// Passphrases were wrong: of the identities named. The others are unlocked.
    Wrong(Vec<String>, LockState),
    /// What is wrong with identities that a passphrase opened: a line each.
    Unusable(Vec<String>, LockState),
    /// Someone has locked them meanwhile.
    LockedMeanwhile(LockState),
    /// There is no memory or no thread to be had.
    System(io::Error),
}

/// What came of answers.
#[derive(Default)]
pub(super) struct Trial {
    right: bool,
    wrong: Vec<String>,
    unusable: Vec<String>,
    pub(super) locked_meanwhile: bool,
}

impl Vault {
    /// Unlocks with `answers`. Without answers, it unlocks what needs none, and says what has to be asked. Tries one call's
    /// passphrases at a time; after a wrong one, the next has to wait, longer each time.
    ///
    /// # Errors
    /// As long as anything has to be answered, and when an answer is wrong.
    pub async fn unlock(self: &Arc<Self>, answers: Answers) -> Result<LockState, UnlockError> {
        self.touch();
        let locks = self.locks();
        let tries = !answers.is_empty();
        let mut patience = loop {
            let patience = self.patience.lock().await;
            let left = patience.left(Instant::now());
            if left.is_zero() || !tries {
                break patience;
            }
            // Others that try nothing need not wait.
            drop(patience);
            tokio::time::sleep(left).await;
        };
        if self.locks() != locks {
            // Whoever locked them meant those who were waiting as well.
            return Err(UnlockError::LockedMeanwhile(self.state()));
        }
        let trial = self
            .on_thread(move |vault| vault.try_answers(answers, vault.generation()))
            .await
            .map_err(UnlockError::System)?;
        if !trial.wrong.is_empty() {
            patience.wrong(Instant::now());
        } else if trial.right {
            patience.right();
        }
        drop(patience);
        trial.judge(self.state())
    }

    /// Tries answers on the identities of `generation`.
    pub(super) fn try_answers(self: &Arc<Self>, mut answers: Answers, generation: u64) -> Trial {
        let mut trial = Trial::default();
        match self.custody() {
            Some(custody) => {
                self.try_on(&custody, &mut answers, &mut trial);
                if self.generation() != generation {
                    trial.locked_meanwhile = true;
                } else if trial.right {
                    self.has_more();
                }
            }
            None => {
                let custody = self.read(None);
                self.try_on(&custody, &mut answers, &mut trial);
                trial.locked_meanwhile = !self.publish(custody, generation);
            }
        }
        if trial.locked_meanwhile {
            // Answers for plugins may have been heard after the lock had them forgotten.
            self.interview.forget();
        }
        trial
    }

    fn try_on(&self, custody: &Custody, answers: &mut Answers, trial: &mut Trial) {
        for name in custody.waiting() {
            let Some(answer) = answers.take(&passphrase_question(&name).text) else {
                continue;
            };
            match custody.unlock(&name, &answer) {
                Ok(_) => trial.right = true,
                Err(IdentityError::WrongPassphrase) => trial.wrong.push(name),
                Err(problem) => trial.unusable.push(format!("identity {name}: {problem}")),
            }
        }
        if self.interview.hear(answers) {
            // A plugin that had no answer is to ask again.
            custody.forgive();
            trial.right = true;
        }
    }
}

impl Trial {
    fn judge(self, state: LockState) -> Result<LockState, UnlockError> {
        if self.locked_meanwhile {
            return Err(UnlockError::LockedMeanwhile(state));
        }
        if !self.wrong.is_empty() {
            return Err(UnlockError::Wrong(self.wrong, state));
        }
        if !self.unusable.is_empty() {
            return Err(UnlockError::Unusable(self.unusable, state));
        }
        if !state.questions.is_empty() {
            return Err(UnlockError::Unanswered(state));
        }
        Ok(state)
    }
}

impl fmt::Display for UnlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered(state) => {
                f.write_str("there are questions to answer: ")?;
                let texts: Vec<&str> = state.questions.iter().map(|q| &*q.text).collect();
                f.write_str(&texts.join(", "))
            }
            Self::Wrong(names, _) => write!(f, "wrong passphrase for {}", names.join(", ")),
            Self::Unusable(problems, _) => f.write_str(&problems.join("; ")),
            Self::LockedMeanwhile(_) => f.write_str("the identities were locked meanwhile"),
            Self::System(error) => write!(f, "{}", crate::sys::fs::describe(error)),
        }
    }
}

impl std::error::Error for UnlockError {}

/// The body of the answer to a call that did not unlock everything.
pub fn refusal(error: &UnlockError) -> UnlockRefusal {
    let (code, keys) = match error {
        UnlockError::Unanswered(keys)
        | UnlockError::Wrong(_, keys)
        | UnlockError::LockedMeanwhile(keys) => (Code::Locked, keys.clone()),
        UnlockError::Unusable(_, keys) => (Code::Faulty, keys.clone()),
        UnlockError::System(_) => (Code::Unavailable, LockState::default()),
    };
    UnlockRefusal {
        error: Fault {
            code,
            message: error.to_string(),
            hint: None,
        },
        keys,
    }
}
