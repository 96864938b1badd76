//! Which variables stay with escrun. What unlocks secrets goes to no program that is started.

use std::ffi::OsStr;

/// What the names of such variables begin with.
const PREFIXES: [&[u8]; 2] = [b"ESCRUN_IDENTITY", b"ESCRUN_PASSPHRASE"];

/// Whether a variable holds, or leads to, what unlocks secrets.
pub fn is_withheld(name: &OsStr) -> bool {
    PREFIXES
        .iter()
        .any(|prefix| name.as_encoded_bytes().starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_unlocks_is_withheld() {
        for (name, expected) in [
            ("ESCRUN_IDENTITY", true),
            ("ESCRUN_IDENTITY_FILE", true),
            ("ESCRUN_IDENTITY_COMMAND", true),
            ("ESCRUN_PASSPHRASE", true),
            ("ESCRUN_ENV", false),
            ("MY_ESCRUN_IDENTITY", false),
            ("", false),
        ] {
            assert_eq!(is_withheld(OsStr::new(name)), expected, "{name}");
        }
    }
}
