//! How times, sizes, numbers, modes, paths and names are written in settings.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use glob::Pattern;

use super::kind::Kind;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long something is waited for. Nothing comes in no time at all.
pub(super) const WAIT: Kind<Duration> = Kind {
    words: "a time with a unit, such as 10s or 1m 30s, from 1ms to 1d",
    read: |text| time(text, Duration::from_millis(1)..=DAY),
};

/// How long something may take that need not be.
pub(super) const GRACE: Kind<Duration> = Kind {
    words: "a time with a unit, such as 5s or 1m 30s, from 0s to 1d",
    read: |text| time(text, Duration::ZERO..=DAY),
};

/// How long something is kept.
pub(super) const AGE: Kind<Duration> = Kind {
    words: "a time with a unit, such as 10m or 1h 30m, from 0s to 365d",
    read: |text| time(text, Duration::ZERO..=YEAR),
};

/// After how long without use something is done; the inner is none for never.
pub(super) const IDLE: Kind<Option<Duration>> = Kind {
    words: "a time with a unit, such as 15m or 1h 30m, from 1s to 365d, or never",
    read: |text| match text {
        "never" | "infinity" => Some(None),
        _ => time(text, SECOND..=YEAR).map(Some),
    },
};

/// A time in these bounds. A number alone is none: seconds to some are milliseconds to others.
fn time(text: &str, bounds: RangeInclusive<Duration>) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let time = humantime::parse_duration(text).ok()?;
    bounds.contains(&time).then_some(time)
}

/// How many bytes, each letter 1024 times the one before.
pub(super) const SIZE: Kind<usize> = Kind {
    words: "a size such as 65536, 64K or 16M",
    read: |text| usize::try_from(size(text)?).ok(),
};

/// From which size on a file is left for another; 0 for never. A file for each line or two is nobody's wish.
pub(super) const FILE_SIZE: Kind<u64> = Kind {
    words: "a size such as 64M or 1G, at least 1K, or 0 for never",
    read: |text| size(text).filter(|size| *size == 0 || *size >= 1 << 10),
};

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
    number::<u64>(digits)?.checked_mul(1 << shift)
}

/// How many connections.
pub(super) const CONNECTIONS: Kind<usize> = Kind {
    words: "a number from 1 to 1000000",
    read: |text| number(text).filter(|number| (1..=1_000_000).contains(number)),
};

/// How many old files.
pub(super) const FILES: Kind<u32> = Kind {
    words: "a number from 1 to 10000",
    read: |text| number(text).filter(|number| (1..=10_000).contains(number)),
};

/// A whole number in decimal digits.
fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

/// The mode of a socket in octal digits: `660`, `0660` or `0o660`. Its owner can always use it.
pub(super) const MODE: Kind<u32> = Kind {
    words: "a mode in octal digits, such as 0660, with which its owner may read and write",
    read: |text| {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let mode = u32::from_str_radix(digits, 8).ok()?;
        (mode & 0o600 == 0o600 && mode <= 0o777 && !digits.starts_with('+')).then_some(mode)
    },
};

/// Where a folder is, or a file of identities.
pub(super) const PLACE: Kind<PathBuf> = Kind {
    words: "a path, such as environments, /etc/escrun/environments or ~/environments",
    read: path,
};

/// Where a file or a socket is.
pub(super) const FILE: Kind<PathBuf> = Kind {
    words: "the path of a file, such as policy.yaml, /etc/escrun/policy.yaml or ~/policy.yaml",
    read: |text| {
        path(text)
            .filter(|path| path.file_name().is_some_and(|name| name != "~") && !text.ends_with('/'))
    },
};

/// A path that means the same to everybody: of a home folder, only one's own.
fn path(text: &str) -> Option<PathBuf> {
    let is_foreign = text.starts_with('~') && text != "~" && !text.starts_with("~/");
    (!text.is_empty() && !text.contains('\0') && !is_foreign).then(|| text.into())
}

/// A program.
pub(super) const PROGRAM: Kind<String> = Kind {
    words: "the absolute path of a program, such as /usr/bin/git",
    read: |text| {
        let is_file = path(text).is_some_and(|path| path.file_name().is_some());
        (is_file && Path::new(text).is_absolute() && !text.ends_with('/')).then(|| text.to_owned())
    },
};

/// What a program is given.
pub(super) const ARGUMENT: Kind<String> = Kind {
    words: "a text without NUL",
    read: |text| (!text.contains('\0')).then(|| text.to_owned()),
};

/// Files by their absolute paths.
pub(super) const FILE_GLOB: Kind<Pattern> = Kind {
    words: "an absolute path, or a glob of such paths",
    read: |text| match text.starts_with('/') && !text.contains('\0') {
        true => Pattern::new(text).ok(),
        false => None,
    },
};

/// A variable of a process.
pub(super) const VARIABLE: Kind<String> = Kind {
    words: "the name of a variable",
    read: |text| (!text.is_empty() && !text.contains(['=', '\0'])).then(|| text.to_owned()),
};

/// A group, by name or number.
pub(super) const GROUP: Kind<String> = Kind {
    words: "the name or number of a group",
    read: |text| {
        let is_name = !text.is_empty() && !text.contains(|c: char| c.is_control() || c == ':');
        is_name.then(|| text.to_owned())
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_a_unit_and_bounds() {
        let milliseconds = Duration::from_millis;
        for (text, expected) in [
            ("10s", Some(10_000)),
            ("500ms", Some(500)),
            ("1m 30s", Some(90_000)),
            ("1d", Some(86_400_000)),
            ("1d 1s", None),
            ("10", None),
            ("0", None),
            ("0s", None),
            ("", None),
            ("-1s", None),
            ("99999999999999999999y", None),
            ("soon", None),
            ("never", None),
        ] {
            assert_eq!((WAIT.read)(text), expected.map(milliseconds), "{text}");
        }
        assert_eq!((GRACE.read)("0s"), Some(Duration::ZERO));
        assert_eq!((AGE.read)("365d"), Some(YEAR));
        assert_eq!((AGE.read)("366d"), None);
        assert_eq!((IDLE.read)("never"), Some(None));
        assert_eq!((IDLE.read)("15m"), Some(Some(milliseconds(900_000))));
        for text in ["15", "0s", "999ms", "2y"] {
            assert_eq!((IDLE.read)(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read() {
        for (text, expected) in [
            ("0", Some(0)),
            ("65536", Some(65536)),
            ("64K", Some(65536)),
            ("16MiB", Some(16 << 20)),
            ("1 G", Some(1 << 30)),
            ("99999999999G", None),
            ("K", None),
            ("-1", None),
            ("+1", None),
            ("1.5M", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
        assert_eq!((FILE_SIZE.read)("0"), Some(0));
        assert_eq!((FILE_SIZE.read)("1023"), None);
    }

    #[test]
    fn paths_are_of_something() {
        for (text, is_place, is_file) in [
            ("a", true, true),
            ("/", true, false),
            ("/a/", true, false),
            ("..", true, false),
            ("~", true, false),
            ("~/a", true, true),
            ("~ada/a", false, false),
            ("a\0", false, false),
            ("", false, false),
        ] {
            assert_eq!((PLACE.read)(text).is_some(), is_place, "{text}");
            assert_eq!((FILE.read)(text).is_some(), is_file, "{text}");
        }
        assert!((PROGRAM.read)("/usr/bin/git").is_some());
        for text in ["git", "bin/git", "/", "/usr/bin/", "~/bin/git", ""] {
            assert!((PROGRAM.read)(text).is_none(), "{text}");
        }
    }
}
