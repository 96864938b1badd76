//! How times, sizes and modes are written in settings.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::project::config::text;

/// A time: `10s`, `1m 30s`, `500ms`, or seconds as a plain number.
pub(super) struct Time(pub(super) Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| {
            time(text)
                .map(Self)
                .ok_or("must be a time such as 10s, 500ms or 1m 30s")
        })
    }
}

/// A time, or `never`.
pub(super) struct TimeOrNever(pub(super) Option<Duration>);

impl<'de> Deserialize<'de> for TimeOrNever {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| match text {
            "never" | "infinity" => Ok(Self(None)),
            _ => time(text)
                .map(|time| Self(Some(time)))
                .ok_or("must be a time such as 15m or 1h 30m, or never"),
        })
    }
}

fn time(text: &str) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    humantime::parse_duration(text).ok()
}

/// A size in bytes: `65536`, `64K`, `16MiB`, `1G`; each letter is 1024 times the one before.
pub(super) struct Size(pub(super) u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| {
            size(text)
                .map(Self)
                .ok_or("must be a size such as 65536, 64K or 16M")
        })
    }
}

fn size(text: &str) -> Option<u64> {
    const UNITS: [(&str, u32); 10] = [
        ("KiB", 10),
        ("MiB", 20),
        ("GiB", 30),
        ("kB", 10),
        ("MB", 20),
        ("GB", 30),
        ("K", 10),
        ("M", 20),
        ("G", 30),
        ("B", 0),
    ];
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(unit));
    let (digits, shift) = match unit {
        Some((unit, shift)) => (text.strip_suffix(unit)?.trim_end(), *shift),
        None => (text, 0),
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(1 << shift)
}

/// The mode of a file in octal digits: `660`, `0660` or `0o660`.
pub(super) struct FileMode(pub(super) u32);

impl<'de> Deserialize<'de> for FileMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, |text| {
            let digits = text.strip_prefix("0o").unwrap_or(text);
            u32::from_str_radix(digits, 8)
                .ok()
                .filter(|mode| *mode <= 0o777 && !digits.starts_with('+'))
                .map(Self)
                .ok_or("must be a file mode such as 0660")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read() {
        for (text, expected) in [
            ("10", Some(10_000)),
            ("10s", Some(10_000)),
            ("500ms", Some(500)),
            ("1m 30s", Some(90_000)),
            ("", None),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(time(text), expected.map(Duration::from_millis), "{text}");
        }
        for (text, expected) in [
            ("0", Some(0)),
            ("65536", Some(65536)),
            ("64K", Some(65536)),
            ("16MiB", Some(16 << 20)),
            ("1 G", Some(1 << 30)),
            ("99999999999G", None),
            ("K", None),
            ("-1", None),
            ("1.5M", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
    }
}
