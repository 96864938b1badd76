//! The identities of a run: read when a header first needs them, tried from the cheapest to the dearest.

mod error;
mod held;
mod key;
mod openssh;
mod parse;
mod permission;
mod protected;
mod read;
mod source;

use std::collections::VecDeque;

use age_core::format::Stanza;

pub use error::IdentityError;
pub(super) use held::HeldIdentities;
pub use read::read_identity;
pub use source::IdentitySource;

use self::key::{Key, Tier, Trouble};
use self::source::Found;
use super::file_key::FileKey;
use super::header::Header;
use super::prompt::Interaction;
use super::{Error, WrappedKey};

/// All identities, read and unread.
pub(super) struct Identities {
    interaction: Interaction,
    unread: VecDeque<IdentitySource>,
    /// Where was looked, whether or not there was anything.
    searched: Vec<String>,
    /// Sources that gave identities.
    names: Vec<String>,
    keys: Vec<Key>,
    /// What is wrong with sources that need not be there.
    problems: Vec<String>,
    /// What is wrong with one that must be.
    failed: Option<Error>,
    notes: Vec<String>,
}

impl Identities {
    pub(super) fn new(sources: Vec<IdentitySource>, interaction: Interaction) -> Self {
        // A file that was asked for is looked at even if an earlier one fits, so that a wrong name never goes unnoticed.
        let (required, optional): (Vec<_>, Vec<_>) =
            sources.into_iter().partition(IdentitySource::is_required);
        Self {
            interaction,
            unread: required.into_iter().chain(optional).collect(),
            searched: Vec::new(),
            names: Vec::new(),
            keys: Vec::new(),
            problems: Vec::new(),
            failed: None,
            notes: Vec::new(),
        }
    }

    pub(super) fn interaction(&self) -> &Interaction {
        &self.interaction
    }

    /// What was noticed on the way, for those who want to know more.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Unwraps the file key of `header`, and checks the header's MAC with it.
    pub(super) fn unwrap(&mut self, header: &Header) -> Result<FileKey, Error> {
        if header.is_for_passphrase() {
            return Err(Error::ForPassphrase);
        }
        while self.unread.front().is_some_and(IdentitySource::is_required) {
            self.read_next();
        }
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let stanzas = header.stanzas();
        let mut troubles = Troubles::default();
        let mut tried = 0;
        loop {
            let fresh = &self.keys[tried..];
            tried += fresh.len();
            if let Some(key) = troubles.first_fit(fresh, Tier::Open, stanzas, &self.interaction)? {
                return verified(header, key);
            }
            if !self.read_next() {
                break;
            }
        }
        // Before anybody is asked for a passphrase or a touch.
        if let Some(key) = troubles.ask_agent(header, &self.interaction) {
            return Ok(key);
        }
        for tier in [Tier::ProtectedSsh, Tier::Plugin, Tier::ProtectedFile] {
            let keys = &self.keys;
            if let Some(key) = troubles.first_fit(keys, tier, stanzas, &self.interaction)? {
                return verified(header, key);
            }
        }
        Err(troubles.nothing_fits(&self.names, &self.searched, &self.problems, stanzas))
    }

    /// Reads the next source. `false` if there is none.
    fn read_next(&mut self) -> bool {
        let Some(source) = self.unread.pop_front() else {
            return false;
        };
        let required = source.is_required();
        self.searched.push(source.name().to_owned());
        for found in source.read() {
            let Found { name, text, note } = found;
            self.notes
                .extend(note.map(|note| format!("identity {name}: {note}")));
            match text.and_then(|text| parse::parse(&name, text)) {
                Ok(keys) => {
                    self.names.push(name);
                    self.keys.extend(keys);
                }
                Err(IdentityError::NotFound) if !required => {}
                Err(problem) => {
                    let error = Error::Identity { name, problem };
                    if required {
                        self.failed.get_or_insert(error);
                    } else {
                        self.notes.push(format!("skipped {error}"));
                        self.problems.push(with_hint(&error));
                    }
                }
            }
        }
        true
    }
}

fn verified(header: &Header, key: FileKey) -> Result<FileKey, Error> {
    header.verify(&key).map(|()| key)
}

/// A problem that stands within a longer message has its hint beside it.
fn with_hint(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

/// What went wrong with keys that were tried in vain.
#[derive(Default)]
struct Troubles {
    problems: Vec<String>,
    /// The header itself is at fault.
    altered: Option<Error>,
}

impl Troubles {
    /// Why no key was found: of sources `searched`, those `names` gave some.
    fn nothing_fits(
        self,
        names: &[String],
        searched: &[String],
        of_sources: &[String],
        stanzas: &[Stanza],
    ) -> Error {
        if let Some(altered) = self.altered {
            return altered;
        }
        let mut problems = of_sources.to_vec();
        problems.extend(self.problems);
        if names.is_empty() {
            return Error::NoIdentity {
                searched: searched.to_vec(),
                problems,
            };
        }
        Error::NoneFits {
            tried: names.to_vec(),
            stanzas: stanzas.iter().map(|stanza| stanza.tag.clone()).collect(),
            problems,
        }
    }

    /// Asks the agent, if there is one. What it gives is not believed before it opens the header.
    fn ask_agent(&mut self, header: &Header, interaction: &Interaction) -> Option<FileKey> {
        let agent = interaction.agent()?;
        let stanzas: Vec<_> = header.stanzas().iter().map(WrappedKey::from_age).collect();
        let problem = match agent.unwrap(&stanzas) {
            Ok(None) => return None,
            Ok(Some(key)) => {
                let key = FileKey::from_secret(key);
                match key.filter(|key| header.verify(key).is_ok()) {
                    Some(key) => return Some(key),
                    None => "what it gives is not the key of this header".to_owned(),
                }
            }
            Err(error) => error.to_string(),
        };
        self.problems.push(format!("{}: {problem}", agent.name()));
        None
    }

    /// Tries the keys of one tier in their order. An answer that was wrong ends the search.
    fn first_fit<'k>(
        &mut self,
        keys: impl IntoIterator<Item = &'k Key>,
        tier: Tier,
        stanzas: &[Stanza],
        interaction: &Interaction,
    ) -> Result<Option<FileKey>, Error> {
        for key in keys {
            match key.unwrap(tier, stanzas, interaction) {
                Ok(Some(key)) => return Ok(Some(key)),
                Ok(None) => {}
                Err(Trouble::Header(error)) => {
                    self.altered.get_or_insert(error);
                }
                Err(Trouble::Identity(name, problem)) => {
                    let stop = matches!(
                        problem,
                        IdentityError::WrongPassphrase | IdentityError::Declined
                    );
                    let error = Error::Identity { name, problem };
                    if stop {
                        return Err(error);
                    }
                    self.problems.push(with_hint(&error));
                }
            }
        }
        Ok(None)
    }
}
