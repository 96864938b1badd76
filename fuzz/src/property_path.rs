//! A path that is understood reads the same when it is written again.

use escrun::syntax::path::{Step, parse, render};

/// Takes a path.
pub fn check(data: &[u8]) {
    let Ok(path) = parse(&String::from_utf8_lossy(data)) else {
        return;
    };
    let written = render(&path);
    // What is written is for people: an empty key is left out, and a backslash stands for itself.
    let exact = |step: &Step| match step {
        Step::Key(key) => !key.is_empty() && !key.contains('\\'),
        Step::Index(_) => true,
    };
    if path.iter().all(exact) {
        assert_eq!(parse(&written), Ok(path), "{written}");
    }
}
