use std::os::unix::fs::symlink;

use super::*;
use crate::store::Overlays;

#[test]
fn everything_that_can_be_loaded_is_listed_and_nothing_else() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let files = [
        "a/production.yaml",
        "a/production.local.yaml",
        "a/billing/production.yaml",
        "a/billing/deep/er/x.yaml",
        "a/alone.local.yaml",
        "a/old.yml",
        "a/readme.md",
        "a/escrun.yaml",
        "a/Pulumi.yaml",
        "a/Pulumi.dev.yaml",
        "a/pulumi.yaml",
        "a/.hidden.yaml",
        "a/.git/config.yaml",
        "b/production.yaml",
        "b/shared.yaml",
        "outside/secret.yaml",
    ];
    for file in files {
        fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
        fs::write(root.join(file), "").unwrap();
    }
    for (target, link) in [
        ("production.yaml", "a/same.yaml"),
        ("../outside", "a/out"),
        ("../outside/secret.yaml", "a/secret.yaml"),
        ("none", "a/dangling.yaml"),
        ("..", "a/billing/up"),
        (".", "a/self"),
        ("loop", "a/loop"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    nix::unistd::mkfifo(&root.join("a/pipe.yaml"), nix::sys::stat::Mode::S_IRWXU).unwrap();

    let folders = ["a", "b"].map(|folder| root.join(folder));
    let directory = Directory::open(folders, Overlays::Merged).unwrap();
    let listing = directory.list().unwrap();

    let shown: Vec<_> = listing
        .environments
        .iter()
        .map(|listed| {
            let overlay = if listed.overlay.is_some() {
                " +local"
            } else {
                ""
            };
            let hidden = if listed.hidden { " hidden" } else { "" };
            format!("{} {}{overlay}{hidden}", listed.folder, listed.name)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "0 billing/deep/er/x",
            "0 billing/production",
            "0 production +local",
            "1 production hidden",
            "0 same",
            "1 shared",
        ]
    );
    for listed in listing.environments.iter().filter(|listed| !listed.hidden) {
        let path = directory.path_of(&listed.name).unwrap();
        assert_eq!(path, listed.file);
    }

    let skipped: Vec<_> = listing
        .skipped
        .iter()
        .map(|skipped| {
            let path = skipped.path.strip_prefix(root).unwrap();
            format!("{}: {}", path.display(), skipped.reason)
        })
        .collect();
    assert_eq!(
        skipped,
        [
            "a/alone.local.yaml: there is no alone.yaml for it to go over",
            "a/dangling.yaml: the link leads nowhere",
            "a/loop: too many symbolic links encountered",
            "a/old.yml: definitions end with .yaml",
            "a/out: the link leads out of the environments folder",
            "a/pipe.yaml: is not a regular file",
            "a/secret.yaml: the link leads out of the environments folder",
        ]
    );
}
