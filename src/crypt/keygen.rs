//! Makes identities.

use age::x25519::Identity;
use age_core::secrecy::ExposeSecret;

use crate::secret::Secret;

/// The public key of the first X25519 identity in the text of an identity file, if there is one.
pub fn public_key(text: &Secret) -> Option<String> {
    // The key is computed from it; the copy that parsing makes is wiped when freed.
    let lines = text.expose().split(|byte| *byte == b'\n');
    let mut identities = lines.filter_map(|line| {
        std::str::from_utf8(line)
            .ok()?
            .trim()
            .parse::<Identity>()
            .ok()
    });
    identities
        .next()
        .map(|identity| identity.to_public().to_string())
}

/// Makes an X25519 identity. Gives the text of an identity file as `age-keygen` writes it, and the public key.
/// `created` is the time for its comment (RFC 3339).
pub fn keygen(created: &str) -> (Secret, String) {
    let identity = Identity::generate();
    let public = identity.to_public().to_string();
    let private = identity.to_string();
    let text = Secret::from_parts(&[
        format!("# created: {created}\n# public key: {public}\n").as_bytes(),
        // The file that is written is made of it.
        private.expose_secret().as_bytes(),
        b"\n",
    ]);
    (text, public)
}
