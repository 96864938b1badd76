//! Whether git is changing the files of a working tree at this moment.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What git holds while it changes the index and the files (gitrepository-layout(5)).
const LOCK: &str = "index.lock";

/// Whether git is at work in a working tree that one of `paths` lies in.
pub fn is_at_work<'a>(paths: impl IntoIterator<Item = &'a Path>) -> bool {
    let folders: BTreeSet<&Path> = paths.into_iter().filter_map(Path::parent).collect();
    let repositories: BTreeSet<PathBuf> = folders.into_iter().filter_map(repository).collect();
    repositories
        .iter()
        .any(|repository| repository.join(LOCK).exists())
}

/// The nearest repository from `folder` upwards.
fn repository(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find_map(|folder| {
        let entry = folder.join(".git");
        let metadata = entry.metadata().ok()?;
        if metadata.is_dir() {
            return Some(entry);
        }
        // A worktree or submodule: a small file says where the repository is.
        let text = fs::read_to_string(&entry)
            .ok()
            .filter(|_| metadata.len() < 1 << 16)?;
        let place = text.strip_prefix("gitdir:")?.trim();
        Some(folder.join(place))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_of_the_surrounding_repository_counts() {
        let scratch = tempfile::tempdir().expect("a folder");
        let at = |path: &str| scratch.path().join(path);
        for folder in [
            "tree/.git/worktrees/w",
            "tree/environments/deep",
            "linked/environments",
            "other/.git",
        ] {
            fs::create_dir_all(at(folder)).expect("a folder");
        }
        fs::write(at("linked/.git"), "gitdir: ../tree/.git/worktrees/w\n").expect("a file");
        let judge = || {
            [
                "tree/environments/deep/a.yaml",
                "linked/environments/a.yaml",
            ]
            .map(|path| is_at_work([&*at(path)]))
        };
        fs::write(at("other/.git/index.lock"), "").expect("a file");
        assert_eq!(judge(), [false, false]);
        fs::write(at("tree/.git/index.lock"), "").expect("a file");
        assert_eq!(judge(), [true, false]);
        fs::write(at("tree/.git/worktrees/w/index.lock"), "").expect("a file");
        assert_eq!(judge(), [true, true]);
        assert!(!is_at_work([]));
    }
}
