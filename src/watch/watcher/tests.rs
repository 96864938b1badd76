use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tempfile::TempDir;

use super::*;

/// A scratch folder and a watcher of paths in it.
struct Scene {
    root: TempDir,
    watcher: Watcher,
}

impl Scene {
    fn new(prepare: impl FnOnce(&Path), paths: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        prepare(root.path());
        let mut watcher = Watcher::new().unwrap();
        watcher.watch(paths.iter().map(|path| root.path().join(path)));
        let blind = watcher.blind_spots();
        assert!(blind.is_empty(), "{blind:?}");
        Self { root, watcher }
    }

    /// Whether a change is told. inotify queues events before the call that caused them returns, so nothing is waited for.
    fn tells(&mut self, change: impl FnOnce(&Path)) -> bool {
        change(self.root.path());
        let mut told = false;
        let readable = |watcher: &Watcher| {
            let mut descriptors = [PollFd::new(watcher.as_fd(), PollFlags::POLLIN)];
            poll(&mut descriptors, PollTimeout::ZERO).unwrap() > 0
        };
        while readable(&self.watcher) {
            told |= self.watcher.take().unwrap();
        }
        told
    }
}

fn write(path: impl AsRef<Path>, text: &str) {
    fs::write(path, text).unwrap();
}

fn file(root: &Path) {
    fs::create_dir_all(root.join("a/b")).unwrap();
    write(root.join("a/b/file"), "1");
}

type Change = fn(&Path);

#[test]
fn all_ways_of_changing_a_file_are_told() {
    let changes: &[(&str, Change)] = &[
        ("written in place", |root| write(root.join("a/b/file"), "2")),
        ("appended to", |root| {
            use std::io::Write as _;
            let file = fs::OpenOptions::new()
                .append(true)
                .open(root.join("a/b/file"));
            file.unwrap().write_all(b"x").unwrap();
        }),
        ("saved by renaming", |root| {
            write(root.join("a/b/.file.swp"), "2");
            fs::rename(root.join("a/b/.file.swp"), root.join("a/b/file")).unwrap();
        }),
        ("moved aside and written anew, as vim does", |root| {
            fs::rename(root.join("a/b/file"), root.join("a/b/file~")).unwrap();
            write(root.join("a/b/file"), "2");
            fs::remove_file(root.join("a/b/file~")).unwrap();
        }),
        ("removed", |root| {
            fs::remove_file(root.join("a/b/file")).unwrap()
        }),
        ("made readable", |root| {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(root.join("a/b/file"), fs::Permissions::from_mode(0o600)).unwrap();
        }),
        ("written by another name", |root| {
            fs::hard_link(root.join("a/b/file"), root.join("other")).unwrap();
            write(root.join("other"), "2");
        }),
        ("folder moved", |root| {
            fs::rename(root.join("a/b"), root.join("b")).unwrap()
        }),
        ("folder above moved", |root| {
            fs::rename(root.join("a"), root.join("z")).unwrap()
        }),
        ("folder removed", |root| {
            fs::remove_dir_all(root.join("a")).unwrap()
        }),
    ];
    for (name, change) in changes {
        let mut scene = Scene::new(file, &["a/b/file"]);
        assert!(!scene.tells(|_| ()), "{name}");
        assert!(scene.tells(change), "{name}");
        assert!(!scene.tells(|_| ()), "{name}");
        // And whatever comes there afterwards is told as well.
        let again = |root: &Path| {
            let _ = fs::remove_dir_all(root.join("a"));
            file(root);
        };
        assert!(scene.tells(again), "{name}, then made again");
        assert!(
            scene.tells(|root| write(root.join("a/b/file"), "3")),
            "{name}, then written"
        );
    }
}

#[test]
fn what_does_not_matter_is_not_told() {
    let mut scene = Scene::new(file, &["a/b/file", "a/b/none"]);
    let changes: &[(&str, Change)] = &[
        ("a neighbour", |root| write(root.join("a/b/other"), "")),
        ("a neighbour's end", |root| {
            fs::remove_file(root.join("a/b/other")).unwrap()
        }),
        ("a neighbour of a folder", |root| {
            write(root.join("a/other"), "")
        }),
        ("its end", |root| {
            fs::remove_file(root.join("a/other")).unwrap()
        }),
        ("reading", |root| {
            drop(fs::read(root.join("a/b/file")).unwrap())
        }),
        ("listing", |root| {
            fs::read_dir(root.join("a/b")).unwrap().for_each(drop)
        }),
    ];
    for (name, change) in changes {
        assert!(!scene.tells(change), "{name}");
    }
}

#[test]
fn what_is_not_there_yet_is_told_when_it_comes() {
    let mut scene = Scene::new(|_| (), &["a/b/file"]);
    assert!(scene.tells(|root| fs::create_dir(root.join("a")).unwrap()));
    assert!(scene.tells(|root| fs::create_dir(root.join("a/b")).unwrap()));
    assert!(!scene.tells(|root| write(root.join("a/b/other"), "")));
    assert!(scene.tells(|root| write(root.join("a/b/file"), "")));
    assert!(scene.tells(|root| write(root.join("a/b/file"), "2")));
}

/// kubelet's AtomicWriter: a new folder beside the old one, a link to it that is renamed over the old link.
#[test]
fn a_swapped_link_is_told() {
    let version = |root: &Path, name: &str| {
        fs::create_dir_all(root.join("map").join(name)).unwrap();
        write(root.join("map").join(name).join("file"), name);
    };
    let prepare = |root: &Path| {
        version(root, "..2026_1");
        symlink("..2026_1", root.join("map/..data")).unwrap();
        symlink("..data/file", root.join("map/file")).unwrap();
        symlink("map/file", root.join("link")).unwrap();
    };
    let swap = |root: &Path, from: &str, to: &str| {
        version(root, to);
        symlink(to, root.join("map/..data_tmp")).unwrap();
        fs::rename(root.join("map/..data_tmp"), root.join("map/..data")).unwrap();
        fs::remove_dir_all(root.join("map").join(from)).unwrap();
    };
    for path in ["map/file", "link"] {
        let mut scene = Scene::new(prepare, &[path]);
        for (from, to) in [("..2026_1", "..2026_2"), ("..2026_2", "..2026_3")] {
            assert!(scene.tells(|root| swap(root, from, to)), "{path} to {to}");
            let written = format!("map/{to}/file");
            assert!(
                scene.tells(|root| write(root.join(&written), "x")),
                "{written}"
            );
        }
    }
}

#[test]
fn a_folder_stands_for_what_is_in_it() {
    let mut scene = Scene::new(file, &["a/b"]);
    assert!(scene.tells(|root| write(root.join("a/b/new"), "")));
    assert!(scene.tells(|root| fs::remove_file(root.join("a/b/file")).unwrap()));
    assert!(!scene.tells(|root| write(root.join("a/other"), "")));
}

/// The kernel keeps a removed folder for who stands in it and tells of its end only then.
#[test]
fn a_folder_that_is_held_open_is_left_all_the_same() {
    let mut scene = Scene::new(file, &["a/b/file"]);
    let _held = fs::File::open(scene.root.path().join("a/b")).unwrap();
    assert!(scene.tells(|root| fs::remove_dir_all(root.join("a/b")).unwrap()));
    assert!(scene.tells(file));
    assert!(scene.tells(|root| write(root.join("a/b/file"), "2")));
}

#[test]
fn a_full_queue_counts_as_a_change() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    if limit > 1 << 18 {
        return;
    }
    let mut scene = Scene::new(file, &["a/b/file", "a/b/none"]);
    let told = scene.tells(|root| {
        let neighbours = [root.join("a/b/x"), root.join("a/b/y")];
        // The kernel joins events that are alike and follow each other.
        for index in 0..=limit {
            write(&neighbours[index % 2], "");
        }
    });
    assert!(told);
    assert!(scene.tells(|root| write(root.join("a/b/none"), "")));
}

#[test]
fn what_is_watched_can_be_exchanged() {
    let mut scene = Scene::new(file, &["a/b/file"]);
    let other = scene.root.path().join("other");
    scene.watcher.watch([other.clone()]);
    assert!(!scene.tells(|root| write(root.join("a/b/file"), "2")));
    assert!(scene.tells(|_| write(&other, "")));
    assert_eq!(scene.watcher.paths().collect::<Vec<_>>(), [&*other]);
}

#[test]
fn what_never_ends_is_not_read_for_ever() {
    let mut scene = Scene::new(file, &["a/b/file"]);
    let root = scene.root.path().to_owned();
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let neighbours = [root.join("a/b/x"), root.join("a/b/y")];
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                neighbours
                    .iter()
                    .for_each(|neighbour| write(neighbour, "x"));
            }
        });
        for _ in 0..100 {
            assert!(!scene.watcher.take().unwrap());
        }
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    while {
        scene.watcher.take().unwrap();
        scene.watcher.is_behind()
    } {}
    assert!(scene.tells(|root| write(root.join("a/b/file"), "2")));
}
