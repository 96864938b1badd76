//! Which folders have to be readable so that what a path leads to is, now and after something took its place.
//!
//! Landlock binds what is there, not its name: a folder that is renamed into the place of another is a different one. So
//! the right is given to the folder that holds it, and to those that hold what symbolic links on the way lead to.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// The most symbolic links that are followed (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Adds the folders for `path`, which is absolute.
pub(super) fn add(path: &Path, folders: &mut BTreeSet<PathBuf>) {
    follow(path, folders, &mut MOST_LINKS.clone());
}

/// Walks `path` and adds where it ends; gives that.
fn follow(path: &Path, folders: &mut BTreeSet<PathBuf>, links: &mut usize) -> PathBuf {
    let mut reached = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                let next = reached.join(name);
                match std::fs::read_link(&next) {
                    Ok(target) if *links > 0 => {
                        *links -= 1;
                        // Another target may lie beside this one.
                        reached = follow(&reached.join(target), folders, links);
                    }
                    _ => reached = next,
                }
            }
            Component::ParentDir => {
                reached.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    folders.insert(holder(&reached));
    reached
}

/// The folder that holds `path`, or the first above that is there; for what the root holds, the path itself: the whole
/// file system is not to be given away for it.
fn holder(path: &Path) -> PathBuf {
    let root = Path::new("/");
    let mut below = path;
    while let Some(folder) = below.parent() {
        if folder == root {
            return below.to_owned();
        }
        if folder.is_dir() {
            return folder.to_owned();
        }
        below = folder;
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_may_take_a_place_can_be_reached() {
        let base = tempfile::tempdir().expect("a folder");
        let base = fs::canonicalize(base.path()).expect("a path");
        fs::create_dir_all(base.join("releases/1/environments")).expect("folders");
        symlink("releases/1", base.join("current")).expect("a link");
        fs::create_dir_all(base.join("map/..2024")).expect("folders");
        symlink("..2024", base.join("map/..data")).expect("a link");
        symlink("..data/policy.yaml", base.join("map/policy.yaml")).expect("a link");
        symlink("loop", base.join("loop")).expect("a link");
        for (path, expected) in [
            ("releases/1/environments", &["releases/1"][..]),
            ("releases/1/missing/deeper", &["releases/1"]),
            // The next release lies beside this one.
            ("current/environments", &["releases", "releases/1"]),
            ("map/policy.yaml", &["map", "map/..2024"]),
            ("current/../policy.yaml", &["releases"]),
        ] {
            let mut folders = BTreeSet::new();
            add(&base.join(path), &mut folders);
            let expected = expected.iter().map(|folder| base.join(folder));
            assert_eq!(folders, expected.collect(), "{path}");
        }
        add(&base.join("loop"), &mut BTreeSet::new());
    }

    #[test]
    fn the_root_is_never_given_away() {
        for path in ["/", "/srv", "/no such folder", "/no such folder/deep/er"] {
            let mut folders = BTreeSet::new();
            add(Path::new(path), &mut folders);
            let given = folders.contains(Path::new("/"));
            assert_eq!(given, path == "/", "{path}: {folders:?}");
        }
    }
}
