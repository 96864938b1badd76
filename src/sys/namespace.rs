//! What the user namespace of this process makes of users and groups (user_namespaces(7)).

use std::fs;
use std::io;

/// Which numbers of users, or of groups, stand for someone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// What the kernel shows instead of everyone who has no number here; none if all have one.
    overflow: Option<u32>,
}

impl Mapping {
    /// That of users.
    ///
    /// # Errors
    /// Those of reading /proc.
    pub fn users() -> io::Result<Self> {
        Self::read("/proc/self/uid_map", "/proc/sys/kernel/overflowuid")
    }

    /// That of groups.
    ///
    /// # Errors
    /// Those of reading /proc.
    pub fn groups() -> io::Result<Self> {
        Self::read("/proc/self/gid_map", "/proc/sys/kernel/overflowgid")
    }

    /// Whether a number tells who it is. One that the kernel shows for everyone who has none here does not, even if it is
    /// also somebody's.
    pub fn tells(self, number: u32) -> bool {
        self.overflow != Some(number)
    }

    fn read(map: &str, overflow: &str) -> io::Result<Self> {
        // The kernel's own (linux/highuid.h).
        const USUAL: u32 = 65534;

        if is_whole(&fs::read_to_string(map)?) {
            return Ok(Self { overflow: None });
        }
        // Where /proc/sys is hidden, it is what it is nearly everywhere.
        let overflow = fs::read_to_string(overflow).ok();
        let overflow = overflow.and_then(|text| text.trim().parse().ok());
        Ok(Self {
            overflow: Some(overflow.unwrap_or(USUAL)),
        })
    }
}

/// Whether a map leaves nobody out, as that of the first namespace does.
fn is_whole(map: &str) -> bool {
    let fields: Vec<&str> = map.split_ascii_whitespace().collect();
    matches!(fields[..], ["0", _, "4294967295"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_map_leaves_nobody_out() {
        for (map, expected) in [
            ("         0          0 4294967295\n", true),
            ("0 1000 1\n", false),
            ("0 1000 1\n1 100000 65536\n", false),
            ("0 0 65536\n", false),
            ("", false),
        ] {
            assert_eq!(is_whole(map), expected, "{map}");
        }
    }

    #[test]
    fn the_number_for_everyone_else_tells_nobody() {
        let part = Mapping {
            overflow: Some(65534),
        };
        assert!(part.tells(0) && !part.tells(65534));
        assert!(Mapping { overflow: None }.tells(65534));
        assert!(Mapping::users().expect("/proc").tells(0));
    }
}
