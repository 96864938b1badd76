//! Identities that stay in memory: all read at once, used by many threads, and asking nobody while they unwrap.

use std::sync::Arc;

use age_core::format::Stanza;
use sha2::{Digest, Sha256};

use super::key::{Key, Tier};
use super::source::Found;
use super::{IdentitySource, Troubles, parse, with_hint};
use crate::crypt::file_key::FileKey;
use crate::crypt::prompt::Interaction;
use crate::crypt::{Error, IdentityError};
use crate::secret::Secret;

/// The identities of sources that have been read.
pub(in crate::crypt) struct HeldIdentities {
    interaction: Interaction,
    sources: Vec<Held>,
    /// Where was looked, whether or not there was anything.
    searched: Vec<String>,
    problems: Vec<String>,
}

/// What a source gave.
#[derive(Clone)]
struct Held {
    name: String,
    /// Of its bytes, which tells whether they have changed.
    digest: [u8; 32],
    keys: Arc<[Key]>,
}

impl HeldIdentities {
    /// Reads `sources`. What `before` holds of the very same bytes is kept as it is: unlocked, if it was.
    pub(in crate::crypt) fn read(
        sources: Vec<IdentitySource>,
        interaction: Interaction,
        before: Option<&Self>,
    ) -> Self {
        let mut held = Self {
            interaction,
            sources: Vec::new(),
            searched: Vec::new(),
            problems: Vec::new(),
        };
        for source in sources {
            let required = source.is_required();
            held.searched.push(source.name().to_owned());
            for Found { name, text, .. } in source.read() {
                let read = text.and_then(|text| Held::read(&name, text, before));
                match read {
                    Ok(source) => held.sources.push(source),
                    Err(IdentityError::NotFound) if !required => {}
                    Err(problem) => held
                        .problems
                        .push(with_hint(&Error::Identity { name, problem })),
                }
            }
        }
        held
    }

    /// Whether all sources gave the same bytes as those of `other`.
    pub(in crate::crypt) fn is_same(&self, other: &Self) -> bool {
        let identity = |held: &Held| (held.name.clone(), held.digest);
        self.problems == other.problems
            && self
                .sources
                .iter()
                .map(identity)
                .eq(other.sources.iter().map(identity))
    }

    /// The names of the sources that gave identities.
    pub(in crate::crypt) fn names(&self) -> Vec<String> {
        self.sources.iter().map(|held| held.name.clone()).collect()
    }

    /// What is wrong with sources.
    pub(in crate::crypt) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The names of the keys that wait for a passphrase; those alone that may fit `stanzas`, if these are given.
    pub(in crate::crypt) fn waiting(&self, stanzas: Option<&[Stanza]>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for key in self.keys() {
            key.waiting(stanzas, &mut |name| {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            });
        }
        names
    }

    /// The names of the sources with keys that a passphrase opens, or has opened.
    pub(in crate::crypt) fn protected(&self) -> Vec<String> {
        let protected = |held: &&Held| held.keys.iter().any(Key::is_protected);
        let held = self.sources.iter().filter(protected);
        held.map(|held| held.name.clone()).collect()
    }

    /// Whether any key can be used as it is, if need be by a plugin.
    pub(in crate::crypt) fn is_usable(&self) -> bool {
        let is_open = |key: &Key| {
            let mut open = true;
            key.waiting(None, &mut |_| open = false);
            open
        };
        self.keys().any(is_open)
    }

    /// Tries a passphrase on the key that waits for that of `name`. `false` if none does.
    pub(in crate::crypt) fn unlock(
        &self,
        name: &str,
        passphrase: &Secret,
    ) -> Result<bool, IdentityError> {
        match self.keys().find_map(|key| key.unlock(name, passphrase)) {
            Some(outcome) => outcome.map(|()| true),
            None => Ok(false),
        }
    }

    /// Has plugins tried again that failed.
    pub(in crate::crypt) fn forgive(&self) {
        self.keys().for_each(Key::forgive);
    }

    /// The recipients that stand for these identities, as far as they are known.
    pub(in crate::crypt) fn recipients(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.keys().for_each(|key| key.recipients(&mut found));
        found.dedup();
        found
    }

    /// Unwraps a file key.
    ///
    /// # Errors
    /// [`Error::Waiting`] if a key that waits for its passphrase may fit; else as for a run.
    pub(in crate::crypt) fn unwrap(&self, stanzas: &[Stanza]) -> Result<FileKey, Error> {
        let mut troubles = Troubles::default();
        for tier in [Tier::Open, Tier::Plugin] {
            // Nothing is asked here: what waits for a passphrase is of other tiers until it is unlocked.
            let found = troubles.first_fit(self.keys(), tier, stanzas, &self.interaction)?;
            if let Some(key) = found {
                return Ok(key);
            }
        }
        let waiting = self.waiting(Some(stanzas));
        if troubles.altered.is_none() && !waiting.is_empty() {
            return Err(Error::Waiting { names: waiting });
        }
        Err(troubles.nothing_fits(&self.names(), &self.searched, &self.problems, stanzas))
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.sources.iter().flat_map(|held| held.keys.iter())
    }
}

impl Held {
    fn read(
        name: &str,
        text: Secret,
        before: Option<&HeldIdentities>,
    ) -> Result<Self, IdentityError> {
        // A digest tells nothing of a key.
        let digest = Sha256::digest(text.expose()).into();
        let mut known = before.iter().flat_map(|before| &before.sources);
        if let Some(held) = known.find(|held| held.name == name && held.digest == digest) {
            return Ok(held.clone());
        }
        Ok(Self {
            keys: parse::parse(name, text)?.into(),
            name: name.to_owned(),
            digest,
        })
    }
}
