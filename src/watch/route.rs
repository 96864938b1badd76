//! The way that the kernel takes to a path, folder by folder and link by link: whatever on it is exchanged leads to
//! another file.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// So many links on the way are followed (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// So often is looked again when what is there changes while it is looked at; the watches tell of later changes.
const MOST_LOOKS: usize = 8;

/// Something on the way that decides where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight<'a> {
    /// The folder itself, which must stay where it is.
    Folder(&'a Path),
    /// The folder and all in it: the way ends here.
    WholeFolder(&'a Path),
    /// A folder of this name in a folder, which must not be removed or exchanged.
    Passage(&'a Path, &'a OsString),
    /// Whatever has this name in a folder: a file or a link.
    Name(&'a Path, &'a OsString),
    /// Nothing in a folder, in which something may come to have this name.
    Absence(&'a Path, &'a OsString),
    /// The file itself: it may be written to by another name.
    File(&'a Path),
}

impl Sight<'_> {
    /// What it is about.
    pub(super) fn place(&self) -> PathBuf {
        match self {
            Sight::Folder(place) | Sight::WholeFolder(place) | Sight::File(place) => {
                place.to_path_buf()
            }
            Sight::Passage(folder, name)
            | Sight::Name(folder, name)
            | Sight::Absence(folder, name) => folder.join(name),
        }
    }
}

/// Goes the way to `path`, which is absolute, as far as it leads, and has each thing watched before looking at it, so that
/// no change between the two is missed. `watch` says whether what it was given is still there.
pub(super) fn follow(path: &Path, mut watch: impl FnMut(Sight<'_>) -> bool) {
    let mut folder = PathBuf::from("/");
    let mut rest = Vec::new();
    push(&mut rest, path);
    let mut links = 0;
    while let Some(step) = rest.pop() {
        let name = match step {
            Step::Root => {
                folder = PathBuf::from("/");
                continue;
            }
            Step::Up => {
                folder.pop();
                continue;
            }
            Step::Down(name) => name,
        };
        match look(&folder, &name, rest.is_empty(), &mut watch) {
            Found::Folder(place) => folder = place,
            Found::Link(target) if links < MOST_LINKS => {
                links += 1;
                push(&mut rest, &target);
            }
            Found::Link(_) | Found::End => return,
        }
    }
}

/// A part of a path.
enum Step {
    Root,
    Up,
    Down(OsString),
}

/// Puts the parts of `path` in front of what is left, which is kept last part first.
fn push(rest: &mut Vec<Step>, path: &Path) {
    let steps = path.components().filter_map(|component| match component {
        Component::RootDir => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Down(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    });
    rest.extend(steps.rev());
}

/// What stands on the way.
enum Found {
    Folder(PathBuf),
    Link(PathBuf),
    /// A file, nothing, or nothing that this user may see.
    End,
}

/// Looks at `name` in `folder`, which has no links in it.
fn look(
    folder: &Path,
    name: &OsString,
    is_last: bool,
    watch: &mut impl FnMut(Sight<'_>) -> bool,
) -> Found {
    let place = folder.join(name);
    for _ in 0..MOST_LOOKS {
        match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_dir() => {
                watch(Sight::Passage(folder, name));
                let sight = match is_last {
                    true => Sight::WholeFolder(&place),
                    false => Sight::Folder(&place),
                };
                if watch(sight) {
                    return Found::Folder(place);
                }
            }
            Ok(metadata) if metadata.is_symlink() => {
                watch(Sight::Name(folder, name));
                if let Ok(target) = fs::read_link(&place) {
                    return Found::Link(target);
                }
            }
            Ok(metadata) => {
                watch(Sight::Name(folder, name));
                if !metadata.is_file() || watch(Sight::File(&place)) {
                    return Found::End;
                }
            }
            Err(error) => {
                let is_absent = error.kind() == io::ErrorKind::NotFound;
                watch(match is_absent {
                    true => Sight::Absence(folder, name),
                    false => Sight::Name(folder, name),
                });
                // It may have come before it was watched.
                if !is_absent || fs::symlink_metadata(&place).is_err() {
                    return Found::End;
                }
            }
        }
    }
    Found::End
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// What is watched below a scratch folder, for a path below it.
    fn sights(scratch: &Path, path: &str) -> Vec<String> {
        let mut sights = Vec::new();
        let mut tell = |word: &str, folder: &Path, name: &str| {
            if let Ok(below) = folder.strip_prefix(scratch) {
                sights.push(format!("{word} {}{name}", below.display()));
            }
        };
        follow(&scratch.join(path), |sight| {
            match sight {
                Sight::Folder(folder) => tell("folder", folder, ""),
                Sight::WholeFolder(folder) => tell("whole", folder, ""),
                Sight::Passage(folder, name) => {
                    tell("passage", folder, &format!("/{}", name.display()))
                }
                Sight::Name(folder, name) => tell("name", folder, &format!("/{}", name.display())),
                Sight::Absence(folder, name) => {
                    tell("absence", folder, &format!("/{}", name.display()))
                }
                Sight::File(file) => tell("file", file, ""),
            }
            true
        });
        sights
    }

    #[test]
    fn everything_on_the_way_is_seen() {
        let scratch = tempfile::tempdir().expect("a folder");
        let root = scratch.path().canonicalize().expect("a path");
        fs::create_dir_all(root.join("a/v1")).expect("folders");
        fs::write(root.join("a/v1/file"), "").expect("a file");
        for (target, link) in [
            ("v1", "a/..data"),
            ("..data/file", "a/file"),
            ("loop", "loop"),
            ("../a/./file", "a/up"),
        ] {
            symlink(target, root.join(link)).expect("a link");
        }
        for (path, expected) in [
            (
                "a/v1/file",
                &[
                    "folder ",
                    "passage /a",
                    "folder a",
                    "passage a/v1",
                    "folder a/v1",
                    "name a/v1/file",
                    "file a/v1/file",
                ][..],
            ),
            (
                "a/file",
                &[
                    "folder ",
                    "passage /a",
                    "folder a",
                    "name a/file",
                    "name a/..data",
                    "passage a/v1",
                    "folder a/v1",
                    "name a/v1/file",
                    "file a/v1/file",
                ],
            ),
            (
                "a/v1",
                &[
                    "folder ",
                    "passage /a",
                    "folder a",
                    "passage a/v1",
                    "whole a/v1",
                ],
            ),
            (
                "a/none",
                &["folder ", "passage /a", "folder a", "absence a/none"],
            ),
            ("none/at/all", &["folder ", "absence /none"]),
            (
                "a/v1/file/below",
                &[
                    "folder ",
                    "passage /a",
                    "folder a",
                    "passage a/v1",
                    "folder a/v1",
                    "name a/v1/file",
                    "file a/v1/file",
                ],
            ),
        ] {
            assert_eq!(sights(&root, path), expected, "{path}");
        }
        assert_eq!(sights(&root, "loop").len(), 1 + MOST_LINKS + 1);
        assert!(sights(&root, "a/up").contains(&"file a/v1/file".to_owned()));
    }
}
