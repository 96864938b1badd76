//! The agent for programs that speak age: unwraps file keys, and keeps the identities to itself.

use std::fmt;
use std::io;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

use super::vault::Vault;
use super::{LOCKED, LOCKED_HINT};
use crate::crypt::{self, WrappedKey};
use crate::protocol::{Code, Fault, MOST_STANZAS, UnwrapCall};
use crate::secret::Secret;

/// Why a file key is not unwrapped.
#[derive(Debug)]
pub enum UnwrapError {
    /// The identities are locked, or one that might fit is.
    Locked(String),
    /// No identity fits.
    NothingFits(String),
    /// The stanzas are at fault.
    Faulty(String),
    /// There is no memory or no thread to be had.
    System(io::Error),
}

impl Vault {
    /// Unwraps the file key of a header that has these stanzas, for `user`. Whether it is that of the header is for the
    /// caller to see. Who no longer waits for its turn has none.
    ///
    /// # Errors
    /// When identities are locked, none fits, or a stanza was changed.
    pub async fn unwrap(
        self: &Arc<Self>,
        user: u32,
        stanzas: Vec<WrappedKey>,
    ) -> Result<Secret, UnwrapError> {
        let permit = self.unwraps.permit(user).await;
        let locks = self.locks();
        let outcome = self
            .on_thread(move |vault| {
                // As long as the thread, whether or not anybody waits for it.
                let _permit = permit;
                vault.custody().map(|custody| custody.unwrap(&stanzas))
            })
            .await
            .map_err(UnwrapError::System)?;
        let locked = || UnwrapError::Locked(LOCKED.to_owned());
        // What a plugin gave after they were locked is not given out. That they were read anew meanwhile is another matter.
        let stayed_open = self.locks() == locks;
        let outcome = outcome.filter(|_| stayed_open).ok_or_else(locked)?;
        self.touch();
        outcome.map_err(|error| {
            let message = error.to_string();
            let asked = !self.interview.open().is_empty();
            match error {
                crypt::Error::Waiting { .. } => UnwrapError::Locked(message),
                error if error.is_locked() && asked => UnwrapError::Locked(message),
                error if error.is_locked() => UnwrapError::NothingFits(message),
                _ => UnwrapError::Faulty(message),
            }
        })
    }
}

/// Reads the body of `POST /v1/unwrap`.
///
/// # Errors
/// What is wrong with it.
pub fn read_stanzas(body: &[u8]) -> Result<Vec<WrappedKey>, String> {
    let call: UnwrapCall = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if call.stanzas.is_empty() {
        return Err("there is no stanza".to_owned());
    }
    if call.stanzas.len() > MOST_STANZAS {
        return Err(format!("there are more than {MOST_STANZAS} stanzas"));
    }
    let stanzas = call.stanzas.into_iter().map(|stanza| {
        // age writes it without padding, most of the world with it.
        let body = BASE64_STANDARD_NO_PAD
            .decode(stanza.body.trim_end_matches('='))
            .map_err(|_| "the body of a stanza is not base64".to_owned())?;
        WrappedKey::new(stanza.kind, stanza.args, body)
            .ok_or_else(|| "a stanza has a type or an argument that none can have".to_owned())
    });
    stanzas.collect()
}

/// The body of the answer to `POST /v1/unwrap`, in locked memory.
pub fn unwrapped(key: &Secret) -> Secret {
    const START: &[u8] = b"{\"fileKey\":\"";
    const END: &[u8] = b"\"}\n";
    let length = base64::encoded_len(key.expose().len(), true).expect("a file key is short");
    let text = Secret::fill(length, |text| {
        // Whoever asked is given the key.
        BASE64_STANDARD
            .encode_slice(key.expose(), text)
            .expect("it was measured");
    });
    // Joined in locked memory.
    Secret::from_parts(&[START, text.expose(), END])
}

/// What the peer is told.
pub fn fault_of_unwrapping(error: &UnwrapError) -> Fault {
    let code = match error {
        UnwrapError::Locked(_) => Code::Locked,
        UnwrapError::NothingFits(_) => Code::NotFound,
        UnwrapError::Faulty(_) => Code::Faulty,
        UnwrapError::System(_) => Code::Unavailable,
    };
    let is_locked = code == Code::Locked;
    Fault {
        code,
        message: error.to_string(),
        hint: is_locked.then(|| LOCKED_HINT.to_owned()),
    }
}

impl fmt::Display for UnwrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(message) | Self::NothingFits(message) | Self::Faulty(message) => {
                f.write_str(message)
            }
            Self::System(error) => write!(f, "{}", crate::sys::fs::describe(error)),
        }
    }
}

impl std::error::Error for UnwrapError {}
