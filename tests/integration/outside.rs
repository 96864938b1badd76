//! Programs of others that some tests need.

use std::io::Write;

/// Whether all of `programs` are there. Says that the test is skipped otherwise; on CI nothing may be missing.
pub(crate) fn have(programs: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there =
        |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let Some(missing) = programs.iter().find(|program| !there(program)) else {
        return true;
    };
    must_be_there(&format!("{missing} is not installed"));
    false
}

/// Says that the test is skipped for lack of something that must be there on CI.
#[track_caller]
pub(crate) fn must_be_there(lack: &str) {
    let on_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!on_ci, "{lack}");
    skip(lack);
}

/// Says why a test is skipped.
pub(crate) fn skip(reason: &str) {
    // Standard error as a stream: what tests print by macros is captured.
    let _unheard = writeln!(std::io::stderr(), "skipped: {reason}");
}
