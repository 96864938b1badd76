use std::fs;

use super::*;

const QUIET: Duration = Duration::from_millis(200);

/// A lookout over a scratch folder, within a runtime, without anybody who reacts.
fn over(work: impl FnOnce(&Lookout, &Path)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let _within = runtime.enter();
    let scratch = tempfile::tempdir().expect("a folder");
    let root = scratch.path().canonicalize().expect("a folder");
    let lookout = Lookout::default();
    lookout.watch([root.join("definitions")].into());
    let _readable = lookout.begin();
    work(&lookout, &root);
}

fn write(path: impl AsRef<Path>, text: &str) {
    fs::write(path, text).expect("written");
}

#[test]
fn only_what_matters_is_a_change() {
    over(|lookout, root| {
        assert!(lookout.tells() && lookout.warning().is_none());
        let folder = root.join("definitions");
        let now = Instant::now();
        // That it comes is one.
        fs::create_dir(&folder).expect("a folder");
        assert!(lookout.look(now));
        assert!(!lookout.take(now), "it is not complete yet");
        assert!(lookout.take(now + QUIET));
        assert!(lookout.is_unsettled(), "it is being reacted to");
        lookout.settled();
        for name in [
            "README.md",
            ".a.yaml.swp",
            "a.yaml~",
            "a.local.yaml",
            ".hidden.yaml",
        ] {
            write(folder.join(name), "x");
            assert!(!lookout.look(now), "{name}");
        }
        let changes = lookout.changes();
        write(folder.join("a.yaml"), "x");
        assert!(lookout.look(now) && lookout.changes() > changes);
    });
}

#[test]
fn a_demand_waits_for_nothing() {
    over(|lookout, _| {
        assert!(!lookout.is_unsettled());
        lookout.demand();
        let now = Instant::now();
        assert!(
            lookout.is_unsettled() && lookout.deadline().is_some_and(|at| at <= Instant::now())
        );
        assert!(lookout.take(now));
        assert!(!lookout.take(now));
        lookout.settled();
        assert!(!lookout.is_unsettled());
    });
}

#[test]
fn what_could_not_be_reacted_to_comes_again() {
    over(|lookout, _| {
        lookout.demand();
        let now = Instant::now();
        assert!(lookout.take(now));
        lookout.postpone(now);
        assert!(!lookout.take(now) && lookout.is_unsettled());
        assert!(lookout.take(now + QUIET));
    });
}

#[test]
fn subjects_are_told_apart() {
    over(|lookout, root| {
        let (policy, keys) = (root.join("policy.yaml"), root.join("identities"));
        fs::create_dir(&keys).expect("a folder");
        write(keys.join("one"), "1");
        lookout.watch_subject(Subject::Policy, vec![policy.clone()]);
        lookout.watch_subject(Subject::Identities, vec![keys.clone()]);
        // Until what was just written has a stamp that tells.
        while !lookout.changed_subjects().is_empty() {}
        assert_eq!(lookout.changed_subjects(), []);
        write(&policy, "x");
        assert!(lookout.look(Instant::now()) || !lookout.tells());
        assert_eq!(lookout.changed_subjects(), [Subject::Policy]);
        while !lookout.changed_subjects().is_empty() {}
        write(keys.join("one"), "2");
        assert_eq!(lookout.changed_subjects(), [Subject::Identities]);
        fs::remove_file(keys.join("one")).expect("removed");
        fs::remove_file(&policy).expect("removed");
        assert_eq!(
            lookout.changed_subjects(),
            [Subject::Policy, Subject::Identities]
        );
    });
}

#[test]
fn where_the_kernel_does_not_tell_is_looked_at() {
    over(|lookout, root| {
        let now = Instant::now();
        let mut state = lookout.lock();
        state.watcher = None;
        state.blindness = Some("no watcher".to_owned());
        state.watch();
        drop(state);
        assert!(!lookout.tells());
        write(root.join("x"), "");
        assert!(!lookout.look(now));
        let next = lookout.deadline().expect("a time to look");
        assert!(next <= now + 2 * LOOK_EVERY);
        assert!(lookout.take(next));
        lookout.settled();
        assert!(!lookout.take(next));
        assert!(lookout.deadline().is_some_and(|later| later > next));
    });
}
