//! Programs of others that some tests need.

use std::io::Write;
use std::process::{Command, Stdio};

/// Whether `program` is there. Says once for each test that it is skipped otherwise; on CI nothing may be skipped.
pub(crate) fn is_there(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        let on_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!on_ci, "{program} is not installed");
        let _ = writeln!(std::io::stderr(), "skipped: {program} is not installed");
    }
    found
}
