//! What of a secret's base64 text (RFC 4648) is the same wherever the secret stands in a larger encoded text.

use std::ops::Range;

/// The first 62 digits; the last two differ.
const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The last two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// `+` and `/`.
    Standard,
    /// `-` and `_`.
    UrlSafe,
}

impl Alphabet {
    fn digit(self, value: u8) -> u8 {
        let last = match self {
            Self::Standard => b"+/",
            Self::UrlSafe => b"-_",
        };
        let value = usize::from(value & 63);
        let index = value.checked_sub(DIGITS.len());
        index.map_or_else(|| DIGITS[value], |index| last[index])
    }
}

/// How bytes are encoded that stand behind others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    /// How the last two digits look.
    pub(super) alphabet: Alphabet,
    /// How many bytes stand between the last multiple of three and these bytes: 0, 1 or 2.
    pub(super) shift: usize,
}

impl Encoding {
    /// The digits of `length` bytes that these bytes alone decide.
    pub(super) fn inner(self, length: usize) -> Range<usize> {
        let bits = 8 * (self.shift + length);
        // The digit before holds bits of what stands before.
        (8 * self.shift).div_ceil(6)..bits / 6
    }

    /// The digits that these bytes decide if nothing stands behind them, and the end of the padding that follows.
    pub(super) fn closed(self, length: usize) -> (usize, usize) {
        let bytes = self.shift + length;
        ((8 * bytes).div_ceil(6), bytes.div_ceil(3) * 4)
    }

    /// The characters of `bytes` in `range`, which is in the numbers of [`Encoding::inner`] and [`Encoding::closed`].
    pub(super) fn characters(
        self,
        bytes: &[u8],
        range: Range<usize>,
    ) -> impl Iterator<Item = u8> + use<'_> {
        let digits = self.closed(bytes.len()).0;
        // What stands before has no part in the digits that are asked for, and what stands behind is zero.
        let at = move |index: usize| {
            let index = index.checked_sub(self.shift);
            let byte = index.and_then(|index| bytes.get(index));
            u16::from(byte.copied().unwrap_or(0))
        };
        range.map(move |index| {
            if index >= digits {
                return b'=';
            }
            let bit = 6 * index;
            let pair = at(bit / 8) << 8 | at(bit / 8 + 1);
            self.alphabet.digit((pair >> (10 - bit % 8)) as u8)
        })
    }
}

#[cfg(test)]
mod tests {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn characters_are_those_of_any_text_around(
            before in proptest::collection::vec(any::<u8>(), 0..5),
            bytes in proptest::collection::vec(any::<u8>(), 1..20),
            after in proptest::collection::vec(any::<u8>(), 0..5),
        ) {
            let shift = before.len() % 3;
            let start = before.len() / 3 * 4;
            let whole = [&before[..], &bytes, &after].concat();
            let closed = [&before[..], &bytes].concat();
            for (alphabet, engine) in [(Alphabet::Standard, &STANDARD), (Alphabet::UrlSafe, &URL_SAFE)] {
                let encoding = Encoding { alphabet, shift };
                let inner = encoding.inner(bytes.len());
                let written: Vec<u8> = encoding.characters(&bytes, inner.clone()).collect();
                let expected = engine.encode(&whole);
                prop_assert_eq!(&expected.as_bytes()[start..][inner.clone()], &written);

                let (_, padded) = encoding.closed(bytes.len());
                let written: Vec<u8> = encoding.characters(&bytes, inner.start..padded).collect();
                let expected = engine.encode(&closed);
                prop_assert_eq!(&expected.as_bytes()[start + inner.start..], &written);
            }
        }
    }
}
