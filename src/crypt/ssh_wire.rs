//! What has to be known of ssh's wire format (RFC 4251, section 5) before `age` parses it: a number that is written as
//! nothing but zeroes is not canonical, and its parser panics on that instead of refusing it.

/// The magic of OpenSSH private keys (OpenSSH's PROTOCOL.key).
pub(super) const PRIVATE_KEY_MAGIC: &[u8] = b"openssh-key-v1\0";

/// Whether a sequence of strings holds one of nothing but zeroes.
pub(super) fn has_zero_string(mut blob: &[u8]) -> bool {
    while let Some((string, rest)) = split_string(blob) {
        if !string.is_empty() && string.iter().all(|&b| b == 0) {
            return true;
        }
        blob = rest;
    }
    false
}

/// The same for the fields of an OpenSSH private key, as far as no passphrase hides them.
pub(super) fn private_key_has_zero_string(key: &[u8]) -> bool {
    private_key_parts(key).is_some_and(|parts| parts.into_iter().any(has_zero_string))
}

/// The public key, and the fields of the private one.
fn private_key_parts(key: &[u8]) -> Option<[&[u8]; 2]> {
    let key = key.strip_prefix(PRIVATE_KEY_MAGIC)?;
    let (_cipher, key) = split_string(key)?;
    let (_derivation, key) = split_string(key)?;
    let (_options, key) = split_string(key)?;
    let (_number_of_keys, key) = key.split_first_chunk::<4>()?;
    let (public, key) = split_string(key)?;
    let (private, _) = split_string(key)?;
    let (_check_numbers, fields) = private.split_first_chunk::<8>()?;
    Some([public, fields])
}

/// Splits off a string: its length as a big-endian number of 4 bytes, then its bytes.
pub(super) fn split_string(blob: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = blob.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_strings_are_found() {
        let cases: [(&[u8], bool); 6] = [
            (b"", false),
            (b"\0\0\0\0", false),
            (b"\0\0\0\x01\0", true),
            (b"\0\0\0\x02\0\x01", false),
            (b"\0\0\0\x01a\0\0\0\x02\0\0", true),
            (b"\0\0\0\x09\0", false),
        ];
        for (blob, expected) in cases {
            assert_eq!(has_zero_string(blob), expected, "{blob:?}");
        }
    }
}
