//! Any definitions evaluate, to the same twice, and show nothing of what is secret.

use escrun::eval::Mode;

use super::world::{CANARY, World, shown};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Takes the definitions `a` to `d`, with NUL between them, and evaluates `a` and `b`.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.contains(CANARY) {
        return;
    }
    let world = World::new(NAMES.into_iter().zip(text.split('\0')));
    for mode in [Mode::Check, Mode::Eval] {
        let first = shown(&world.evaluate(&["a", "b"], mode));
        let second = shown(&world.evaluate(&["a", "b"], mode));
        assert_eq!(first, second, "not the same twice");
        assert!(!first.contains(CANARY), "a secret shows");
    }
}
