//! Identities under a passphrase, which is asked for once, and only when nothing cheaper fits.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use age::{DecryptError, Identity as _};
use age_core::format::Stanza;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use super::key::{Key, Tier, Trouble, is_for, unwrapped};
use super::openssh::without_passphrase;
use super::parse::{KeyText, decode_pem, parse_open};
use crate::crypt::IdentityError;
use crate::crypt::age_file::AgeFile;
use crate::crypt::file_key::FileKey;
use crate::crypt::payload;
use crate::crypt::plugin::secret_string;
use crate::crypt::prompt::Interaction;
use crate::secret::Secret;

/// The most work that a passphrase may take: scrypt's N is 2 to this power, which is also its memory in KiB. The
/// limit of age's own command.
const MAX_WORK_FACTOR: u8 = 22;

/// What a passphrase opens. Several threads may come at once.
struct Lock<T> {
    state: Mutex<State<T>>,
}

/// What became of a passphrase.
enum State<T> {
    Locked,
    Unlocked(Arc<T>),
    Failed(IdentityError),
}

impl<T> Lock<T> {
    fn new() -> Self {
        Self {
            state: Mutex::new(State::Locked),
        }
    }

    /// What is inside, if it is open.
    fn opened(&self) -> Option<Arc<T>> {
        match &*self.state() {
            State::Unlocked(inside) => Some(Arc::clone(inside)),
            _ => None,
        }
    }

    /// Unlocks, unless that was tried before.
    fn open_once(
        &self,
        open: impl FnOnce() -> Result<T, IdentityError>,
    ) -> Result<Arc<T>, IdentityError> {
        let mut state = self.state();
        if let State::Locked = *state {
            *state = open().map_or_else(State::Failed, |inside| State::Unlocked(Arc::new(inside)));
        }
        match &*state {
            State::Unlocked(inside) => Ok(Arc::clone(inside)),
            State::Failed(problem) => Err(problem.clone()),
            State::Locked => unreachable!("it was just unlocked or failed"),
        }
    }

    /// Unlocks; a failure leaves it as it was.
    fn open(&self, open: impl FnOnce() -> Result<T, IdentityError>) -> Result<(), IdentityError> {
        // Not held meanwhile: whoever looks whether it is open need not wait for a key derivation.
        let inside = open()?;
        *self.state() = State::Unlocked(Arc::new(inside));
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An ssh private key whose passphrase was right.
enum OpenedSsh {
    /// Its text without the passphrase, parsed anew for each use.
    Text(KeyText),
    /// One with a cipher that `age` alone opens: it keeps the key in memory of its own, which it wipes.
    OfAge(age::ssh::Identity),
}

impl OpenedSsh {
    fn unwrap(&self, stanzas: &[Stanza]) -> Result<Option<FileKey>, Trouble> {
        unwrapped(match self {
            Self::Text(text) => parse_ssh_text(text)
                .expect("it parsed when it was opened")
                .unwrap_stanzas(stanzas),
            Self::OfAge(identity) => identity.unwrap_stanzas(stanzas),
        })
    }
}

fn parse_ssh_text(text: &KeyText) -> io::Result<age::ssh::Identity> {
    age::ssh::Identity::from_buffer(text.expose().as_bytes(), None)
}

/// An ssh private key under a passphrase.
pub(super) struct ProtectedSsh {
    name: String,
    text: KeyText,
    kind: String,
    public: String,
    /// How stanzas name the key: base64 of the start of its public key's hash.
    tag: String,
    lock: Lock<OpenedSsh>,
}

impl ProtectedSsh {
    pub(super) fn new(
        name: &str,
        identity: age::ssh::Identity,
        text: KeyText,
    ) -> Result<Self, IdentityError> {
        let public = age::ssh::Recipient::try_from(identity)
            .map_err(|_| IdentityError::Unsupported("an ssh key of this type".to_owned()))?
            .to_string();
        let (kind, blob) = public.split_once(' ').ok_or(IdentityError::MalformedKey)?;
        let blob = BASE64_STANDARD
            .decode(blob)
            .map_err(|_| IdentityError::MalformedKey)?;
        Ok(Self {
            name: name.to_owned(),
            text,
            kind: kind.to_owned(),
            public: public.clone(),
            // age-encryption.org/v1, ssh stanzas: the first 4 bytes of SHA-256.
            tag: BASE64_STANDARD_NO_PAD.encode(&Sha256::digest(blob)[..4]),
            lock: Lock::new(),
        })
    }

    pub(super) fn unwrap(
        &self,
        tier: Tier,
        stanzas: &[Stanza],
        interaction: &Interaction,
    ) -> Result<Option<FileKey>, Trouble> {
        let opened = self.lock.opened();
        let now = match opened {
            Some(_) => Tier::Open,
            None => Tier::ProtectedSsh,
        };
        if tier != now || !self.may_fit(stanzas) {
            return Ok(None);
        }
        let identity = match opened {
            Some(identity) => identity,
            None => self
                .lock
                .open_once(|| unlock_ssh(&self.text, &interaction.passphrase(&self.name)?))
                .map_err(|problem| Trouble::Identity(self.name.clone(), problem))?,
        };
        identity.unwrap(stanzas)
    }

    /// Whether a stanza says that it is for this key.
    pub(super) fn may_fit(&self, stanzas: &[Stanza]) -> bool {
        let ours = |stanza: &Stanza| is_for(stanza, &self.kind, &self.tag);
        stanzas.iter().any(ours)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_locked(&self) -> bool {
        self.lock.opened().is_none()
    }

    /// Opens it with a passphrase; a wrong one changes nothing.
    pub(super) fn unlock(&self, passphrase: &Secret) -> Result<(), IdentityError> {
        self.lock.open(|| unlock_ssh(&self.text, passphrase))
    }

    /// The public key, which needs no passphrase.
    pub(super) fn public(&self) -> &str {
        &self.public
    }
}

fn unlock_ssh(text: &KeyText, passphrase: &Secret) -> Result<OpenedSsh, IdentityError> {
    let blob = decode_pem(text.expose()).ok_or(IdentityError::MalformedKey)?;
    if let Some(opened) = without_passphrase(&blob, passphrase) {
        let text = KeyText::whole(opened?);
        return match parse_ssh_text(&text) {
            Ok(age::ssh::Identity::Unencrypted(_)) => Ok(OpenedSsh::Text(text)),
            _ => Err(IdentityError::MalformedKey),
        };
    }
    let Ok(age::ssh::Identity::Encrypted(key)) = parse_ssh_text(text) else {
        return Err(IdentityError::MalformedKey);
    };
    let passphrase = secret_string(passphrase).ok_or(IdentityError::WrongPassphrase)?;
    key.decrypt(passphrase)
        .map(age::ssh::Identity::Unencrypted)
        .map(OpenedSsh::OfAge)
        .map_err(|_| IdentityError::WrongPassphrase)
}

/// A file of identities under a passphrase.
pub(super) struct ProtectedFile {
    name: String,
    file: AgeFile,
    lock: Lock<Vec<Key>>,
}

impl ProtectedFile {
    pub(super) fn new(name: &str, file: &[u8]) -> Result<Self, IdentityError> {
        let file = AgeFile::parse(file).map_err(|_| IdentityError::Altered)?;
        if !file.header.is_for_passphrase() {
            return Err(IdentityError::NotPassphrase);
        }
        Ok(Self {
            name: name.to_owned(),
            file,
            lock: Lock::new(),
        })
    }

    pub(super) fn unwrap(
        &self,
        tier: Tier,
        stanzas: &[Stanza],
        interaction: &Interaction,
    ) -> Result<Option<FileKey>, Trouble> {
        let opened = self.lock.opened();
        // Once it is unlocked, its keys cost what they cost elsewhere.
        let tiers: &[Tier] = match (&opened, tier) {
            (Some(_), Tier::ProtectedFile) => return Ok(None),
            (Some(_), _) => &[tier],
            (None, Tier::ProtectedFile) => &[Tier::Open, Tier::ProtectedSsh, Tier::Plugin],
            _ => return Ok(None),
        };
        let keys = match opened {
            Some(keys) => keys,
            None => self
                .lock
                .open_once(|| {
                    let passphrase = interaction.passphrase(&self.name)?;
                    unlock_file(&self.name, &self.file, &passphrase)
                })
                .map_err(|problem| Trouble::Identity(self.name.clone(), problem))?,
        };
        let mut trouble = None;
        for &tier in tiers {
            for key in keys.iter() {
                match key.unwrap(tier, stanzas, interaction) {
                    Ok(Some(key)) => return Ok(Some(key)),
                    Ok(None) => {}
                    Err(of_key) => {
                        trouble.get_or_insert(of_key);
                    }
                }
            }
        }
        trouble.map_or(Ok(None), Err)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The keys in it, once it is unlocked.
    pub(super) fn opened(&self) -> Option<Arc<Vec<Key>>> {
        self.lock.opened()
    }

    /// Opens it with a passphrase; a wrong one changes nothing.
    pub(super) fn unlock(&self, passphrase: &Secret) -> Result<(), IdentityError> {
        self.lock
            .open(|| unlock_file(&self.name, &self.file, passphrase))
    }
}

fn unlock_file(name: &str, file: &AgeFile, passphrase: &Secret) -> Result<Vec<Key>, IdentityError> {
    let passphrase = secret_string(passphrase).ok_or(IdentityError::WrongPassphrase)?;
    let mut identity = age::scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let key = match identity.unwrap_stanzas(file.header.stanzas()) {
        Some(Ok(key)) => FileKey::from_age(&key),
        Some(Err(DecryptError::ExcessiveWork { required, .. })) => {
            return Err(IdentityError::WorkFactor(required));
        }
        Some(Err(DecryptError::DecryptionFailed)) => return Err(IdentityError::WrongPassphrase),
        Some(Err(_)) | None => return Err(IdentityError::Altered),
    };
    file.header
        .verify(&key)
        .map_err(|_| IdentityError::Altered)?;
    let text = payload::open(&key, file.payload()).map_err(|_| IdentityError::Altered)?;
    parse_open(name, text)
}
