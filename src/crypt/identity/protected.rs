//! Identities under a passphrase, which is asked for once, and only when nothing cheaper fits.

use age::{DecryptError, Identity as _};
use age_core::format::Stanza;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use super::key::{Key, Tier, Trouble, is_for, unwrapped};
use super::parse::{KeyText, parse_open};
use crate::crypt::IdentityError;
use crate::crypt::age_file::AgeFile;
use crate::crypt::file_key::FileKey;
use crate::crypt::header::Header;
use crate::crypt::payload;
use crate::crypt::plugin::secret_string;
use crate::crypt::prompt::Interaction;

/// The most work that a passphrase may take: scrypt's N is 2 to this power, which is also its memory in KiB. The
/// limit of age's own command.
const MAX_WORK_FACTOR: u8 = 22;

/// What became of a passphrase.
enum State<T> {
    Locked,
    Unlocked(T),
    Failed(IdentityError),
}

impl<T> State<T> {
    /// Unlocks, unless that was tried before.
    fn unlock(
        &mut self,
        unlock: impl FnOnce() -> Result<T, IdentityError>,
    ) -> Result<&mut T, IdentityError> {
        if let State::Locked = self {
            *self = unlock().map_or_else(State::Failed, State::Unlocked);
        }
        match self {
            State::Unlocked(unlocked) => Ok(unlocked),
            State::Failed(problem) => Err(problem.clone()),
            State::Locked => unreachable!("it was just unlocked or failed"),
        }
    }
}

/// An ssh private key under a passphrase.
pub(super) struct ProtectedSsh {
    name: String,
    text: KeyText,
    kind: String,
    /// How stanzas name the key: base64 of the start of its public key's hash.
    tag: String,
    /// `age` keeps the key in memory of its own, which it wipes.
    state: State<age::ssh::Identity>,
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
            // age-encryption.org/v1, ssh stanzas: the first 4 bytes of SHA-256.
            tag: BASE64_STANDARD_NO_PAD.encode(&Sha256::digest(blob)[..4]),
            state: State::Locked,
        })
    }

    pub(super) fn unwrap(
        &mut self,
        tier: Tier,
        stanzas: &[Stanza],
        interaction: &Interaction,
    ) -> Result<Option<FileKey>, Trouble> {
        let now = match self.state {
            State::Unlocked(_) => Tier::Open,
            _ => Tier::ProtectedSsh,
        };
        let ours = |stanza: &Stanza| is_for(stanza, &self.kind, &self.tag);
        if tier != now || !stanzas.iter().any(ours) {
            return Ok(None);
        }
        let identity = self
            .state
            .unlock(|| unlock_ssh(&self.name, &self.text, interaction))
            .map_err(|problem| Trouble::Identity(self.name.clone(), problem))?;
        unwrapped(identity.unwrap_stanzas(stanzas))
    }
}

fn unlock_ssh(
    name: &str,
    text: &KeyText,
    interaction: &Interaction,
) -> Result<age::ssh::Identity, IdentityError> {
    let identity = age::ssh::Identity::from_buffer(text.expose().as_bytes(), None);
    let Ok(age::ssh::Identity::Encrypted(key)) = identity else {
        return Err(IdentityError::MalformedKey);
    };
    let passphrase = interaction.passphrase(name)?;
    let passphrase = secret_string(&passphrase).ok_or(IdentityError::WrongPassphrase)?;
    key.decrypt(passphrase)
        .map(age::ssh::Identity::Unencrypted)
        .map_err(|_| IdentityError::WrongPassphrase)
}

/// A file of identities under a passphrase.
pub(super) struct ProtectedFile {
    name: String,
    file: AgeFile,
    state: State<Vec<Key>>,
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
            state: State::Locked,
        })
    }

    pub(super) fn unwrap(
        &mut self,
        tier: Tier,
        header: &Header,
        interaction: &Interaction,
    ) -> Result<Option<FileKey>, Trouble> {
        // Once it is unlocked, its keys cost what they cost elsewhere.
        let tiers: &[Tier] = match (&self.state, tier) {
            (State::Unlocked(_), Tier::ProtectedFile) => return Ok(None),
            (State::Unlocked(_), _) => &[tier],
            (_, Tier::ProtectedFile) => &[Tier::Open, Tier::ProtectedSsh, Tier::Plugin],
            _ => return Ok(None),
        };
        let keys = self
            .state
            .unlock(|| unlock_file(&self.name, &self.file, interaction))
            .map_err(|problem| Trouble::Identity(self.name.clone(), problem))?;
        let mut trouble = None;
        for &tier in tiers {
            for key in keys.iter_mut() {
                match key.unwrap(tier, header, interaction) {
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
}

fn unlock_file(
    name: &str,
    file: &AgeFile,
    interaction: &Interaction,
) -> Result<Vec<Key>, IdentityError> {
    let passphrase = interaction.passphrase(name)?;
    let passphrase = secret_string(&passphrase).ok_or(IdentityError::WrongPassphrase)?;
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
    parse_open(name, text, interaction)
}
