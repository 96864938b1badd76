//! An identity, a header that it opens, and a payload under it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use escrun::ast::Encryption;
use escrun::crypt::{IdentitySource, Interaction, Keyring, Plugins, Recipient, Sealer, keygen};
use escrun::source::Span;

/// What is encrypted.
pub const PLAINTEXT: &[u8] = b"a secret of some length";

/// Made anew for every process: what is checked must hold for every key.
pub struct Keys {
    /// Opens what is sealed.
    pub keyring: Keyring,
    /// The header.
    pub header: String,
    /// [`PLAINTEXT`] under the header's key: a nonce, then the payload.
    pub payload: Vec<u8>,
}

thread_local! {
    static KEYS: Keys = Keys::new();
}

impl Keys {
    fn new() -> Self {
        let (identity, public) = keygen("today");
        let recipient = Recipient::parse(&public).expect("a public key");
        let interaction = Interaction::new(None, Plugins::Refused);
        let sealer = Sealer::fresh(&[recipient], &interaction).expect("a header");
        let payload = sealer.seal(PLAINTEXT).expect("a payload");
        Self {
            keyring: Keyring::new(vec![IdentitySource::text("it", identity)], interaction),
            header: sealer.header_text().to_owned(),
            payload: BASE64_STANDARD.decode(payload).expect("base64"),
        }
    }
}

/// Runs `f` with the keys of this process.
pub fn with<R>(f: impl FnOnce(&Keys) -> R) -> R {
    KEYS.with(f)
}

/// The part of a definition that has this header.
pub fn encryption(header: &str) -> Encryption {
    Encryption {
        header: Some((header.to_owned(), Span::default())),
        ..Encryption::default()
    }
}

/// Changes `bytes` by three bytes at a time: where (two bytes), and what is added there.
pub fn alter(bytes: &mut [u8], changes: &[u8]) {
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] ^= change[2];
    }
}
