//! Whether an identity file is private enough.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;

use nix::sys::statvfs::{FsFlags, fstatvfs};
use nix::unistd::geteuid;

/// Read and write for group and others. Through an ACL, the group's bits are the most that anyone named in it has.
const FOR_OTHERS: u32 = 0o066;

/// What is known of a file.
pub(super) struct Facts {
    regular: bool,
    mine: bool,
    mode: u32,
    /// It lies on a file system that keeps data and can be written to: there, its mode is its owner's choice.
    writable_disk: bool,
}

/// What to think of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nobody else can read it.
    Private,
    /// Others can, but its user cannot help it: container and systemd secrets are like that.
    Tolerated,
    /// Others can, and its user should mend that.
    Exposed,
}

/// Looks at an open file.
pub(super) fn facts(file: &File, metadata: &Metadata) -> Facts {
    // What the kernel does not tell counts as an ordinary disk, the stricter of the two.
    let memory = is_in_memory(file);
    let read_only = fstatvfs(file).is_ok_and(|fs| fs.flags().contains(FsFlags::ST_RDONLY));
    Facts {
        regular: metadata.is_file(),
        mine: metadata.uid() == geteuid().as_raw(),
        mode: metadata.mode(),
        writable_disk: !memory && !read_only,
    }
}

/// Whether it lies in memory, or in a container's image: such files have the mode that somebody else gave them.
#[cfg(target_os = "linux")]
fn is_in_memory(file: &File) -> bool {
    use nix::sys::statfs::{FsType, OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, fstatfs};
    /// `RAMFS_MAGIC` of linux/magic.h.
    const RAMFS_MAGIC: FsType = FsType(0x8584_58f6);

    fstatfs(file).is_ok_and(|fs| {
        [TMPFS_MAGIC, RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC].contains(&fs.filesystem_type())
    })
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &File) -> bool {
    false
}

/// Decides.
pub(super) fn judge(facts: &Facts) -> Verdict {
    if !facts.regular || facts.mode & FOR_OTHERS == 0 {
        Verdict::Private
    } else if facts.mine && facts.writable_disk {
        Verdict::Exposed
    } else {
        Verdict::Tolerated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_my_own_choice_is_refused() {
        use Verdict::{Exposed, Private, Tolerated};
        // regular, mine, mode, writable disk
        let cases = [
            ((true, true, 0o100_600, true), Private),
            ((true, true, 0o100_400, true), Private),
            ((true, true, 0o100_711, true), Private),
            ((true, true, 0o100_640, true), Exposed),
            ((true, true, 0o100_604, true), Exposed),
            ((true, true, 0o100_602, true), Exposed),
            ((true, true, 0o100_444, false), Tolerated),
            ((true, false, 0o100_444, true), Tolerated),
            ((false, true, 0o010_644, true), Private),
        ];
        for ((regular, mine, mode, writable_disk), expected) in cases {
            let facts = Facts {
                regular,
                mine,
                mode,
                writable_disk,
            };
            assert_eq!(judge(&facts), expected, "{mode:o}");
        }
    }
}
