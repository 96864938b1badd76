//! Exact comparison and division of decimal numbers of any size, read from the texts of JSON numbers.

use std::cmp::Ordering;

/// A decimal number: `0.DIGITS × 10^exponent`, without zeroes at either end of the digits. Zero has no digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    pub(super) fn from_count(count: usize) -> Self {
        Self::parse(count.to_string().as_bytes()).expect("digits are a number")
    }

    /// Reads the text of a JSON number. Exponents are clamped to ±10^15, far beyond what anything can tell apart.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &[][..]),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut digits = Vec::with_capacity(whole.len() + fraction.len());
        for byte in whole.iter().chain(fraction) {
            digits.push(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..leading);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let exponent = exponent + whole.len() as i64 - leading as i64;
        Some(Self {
            negative,
            digits,
            exponent,
        })
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether this is a whole multiple of `unit`. Only zero is one of zero.
    pub(super) fn is_multiple_of(&self, unit: &Decimal) -> bool {
        if self.is_zero() || unit.is_zero() {
            return self.is_zero();
        }
        // self / unit = (digits / unit.digits) × 10^shift, with both digits read as whole numbers.
        let shift =
            (self.exponent - self.digits.len() as i64) - (unit.exponent - unit.digits.len() as i64);
        let count = unit.digits.len();
        if shift < 0 {
            // The digits end in no zero, so no power of ten divides them.
            return false;
        }
        // 10^k has all the twos and fives that divide the unit once k reaches four times its digits; more change nothing.
        let zeroes = shift.min(4 * count as i64) as usize;
        let mut remainder = Remainder::new(&unit.digits);
        for digit in self
            .digits
            .iter()
            .copied()
            .chain(std::iter::repeat_n(0, zeroes))
        {
            remainder.push(digit);
        }
        remainder.is_zero()
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    const CLAMP: i64 = 1_000_000_000_000_000;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut exponent = 0i64;
    for byte in digits {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        exponent = (exponent * 10 + digit).min(CLAMP);
    }
    Some(if negative { -exponent } else { exponent })
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.is_zero(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let signs = sign(self).cmp(&sign(other));
        if signs != Ordering::Equal || self.is_zero() {
            return signs;
        }
        let magnitudes = self
            .exponent
            .cmp(&other.exponent)
            .then_with(|| self.digits.cmp(&other.digits));
        if self.negative {
            magnitudes.reverse()
        } else {
            magnitudes
        }
    }
}

/// The remainder of a long division by hand, digit by digit.
struct Remainder<'a> {
    divisor: &'a [u8],
    /// As many digits as the divisor has, and one more in front.
    digits: Vec<u8>,
}

impl<'a> Remainder<'a> {
    fn new(divisor: &'a [u8]) -> Self {
        Self {
            divisor,
            digits: vec![0; divisor.len() + 1],
        }
    }

    /// Takes the next digit of the dividend.
    fn push(&mut self, digit: u8) {
        self.digits.rotate_left(1);
        *self.digits.last_mut().expect("it has a digit at least") = digit;
        while self.digits[0] > 0 || self.digits[1..] >= *self.divisor {
            self.subtract();
        }
    }

    fn subtract(&mut self) {
        let mut borrow = 0;
        for at in (0..self.divisor.len()).rev() {
            let take = self.divisor[at] + borrow;
            let digit = &mut self.digits[at + 1];
            borrow = u8::from(*digit < take);
            *digit = *digit + 10 * borrow - take;
        }
        self.digits[0] -= borrow;
    }

    fn is_zero(&self) -> bool {
        self.digits.iter().all(|digit| *digit == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn order_is_that_of_the_numbers() {
        let ascending = [
            "-1e400",
            "-10",
            "-9.5",
            "-0.001",
            "0",
            "1e-400",
            "0.1",
            "0.10001",
            "1",
            "1.5",
            "9",
            "10",
            "12345678901234567890",
            "1e400",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(decimal(a).cmp(&decimal(b)), i.cmp(&j), "{a} against {b}");
            }
        }
        for (a, b) in [("1.0", "1"), ("-0", "0"), ("10e-1", "1"), ("0.010", "1E-2")] {
            assert_eq!(decimal(a), decimal(b));
        }
    }

    #[test]
    fn multiples_are_exact() {
        let multiples = [
            ("4", "2"),
            ("0.3", "0.1"),
            ("0", "7"),
            ("-6", "3"),
            ("6", "-3"),
            ("14e400", "7e399"),
            ("0", "0"),
            ("19.99", "0.01"),
            ("1e999999999999", "0.5"),
            ("21", "0.0003"),
        ];
        for (number, unit) in multiples {
            assert!(
                decimal(number).is_multiple_of(&decimal(unit)),
                "{number} {unit}"
            );
        }
        for (number, unit) in [
            ("5", "2"),
            ("0.35", "0.1"),
            ("1", "0"),
            ("1e-999999999", "3"),
            ("1e999999999", "3"),
            ("1e400", "7e399"),
        ] {
            assert!(
                !decimal(number).is_multiple_of(&decimal(unit)),
                "{number} {unit}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", "e5", "1e", "x", "1x", "0x10", "1e+", "."] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_integers(a in -1_000_000i64..1_000_000, b in 1i64..5_000) {
            let (x, y) = (decimal(&a.to_string()), decimal(&b.to_string()));
            prop_assert_eq!(x.is_multiple_of(&y), a % b == 0);
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }
    }
}
