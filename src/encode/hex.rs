//! Bytes as hexadecimal digits.

/// The two digits of a byte, in lower case.
#[inline]
pub fn hex_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 15].map(|value| DIGITS[usize::from(value)])
}

/// The digits of all bytes, in lower case. Not for secrets: the text is in ordinary memory.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| hex_digits(*byte));
    digits.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(
            hexadecimal(&[0, 9, 10, 15, 16, 0xab, 255]),
            "00090a0f10abff"
        );
        assert_eq!(hexadecimal(&[]), "");
    }
}
