//! Standard streams that are closed, full, or not read to the end.

use super::TestEnv;

/// A line of shell, and how it is to end.
#[test]
fn output_that_cannot_be_written_is_told() {
    let env = TestEnv::project();
    for line in [
        "escrun get -e app >/dev/full",
        "escrun export -e app --format shell >/dev/full",
        "escrun ls >/dev/full",
        "escrun -e app --dry-run >/dev/full",
        "escrun explain -e app >/dev/full",
        "escrun keygen >/dev/full",
        "escrun --help >/dev/full",
    ] {
        let status = if line.contains("--dry-run") { 125 } else { 1 };
        let message = "error: writing to standard output: no space left on device";
        env.shell(line).fails(status, &[message]);
    }
}

#[test]
fn whoever_reads_no_further_is_not_told_of_it() {
    let env = TestEnv::project();
    // More than a pipe holds.
    env.define("long", &format!("values:\n  a: {}\n", "x".repeat(200_000)));
    let ended = env.shell("{ escrun get -e long; echo $? >status; } | head -c 1");
    assert_eq!((ended.status, &*ended.stderr), (0, ""));
    assert_eq!(env.read("project/status"), "141\n");
}

#[test]
fn closed_streams_harm_nothing() {
    let env = TestEnv::project();
    // Whatever is opened in their place, nothing of ours is written into a file of the user's.
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let line = format!("escrun -e app -- sh -c 'echo \"$APP_PORT\" >marker' {closed}");
        env.shell(&line).succeeds();
        assert_eq!(env.read("project/marker"), "8080\n", "{closed}");
        let ended = env.shell(&format!("escrun -e missing -- touch other {closed}"));
        assert_eq!(ended.status, 125, "{closed}");
    }
    assert!(!env.path("project/other").exists());
    assert_eq!(
        env.shell("escrun -e missing -- true 2>/dev/full").status,
        125
    );
    let before = env.definition("production");
    assert_eq!(env.shell("escrun set --secret production a <&-").status, 0);
    assert_ne!(env.definition("production"), before);
}
