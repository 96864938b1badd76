//! Any text may stand in a string, and what it refers to is found or told.

use std::sync::Arc;

use escrun::eval::Mode;
use escrun::source::Source;
use escrun::syntax::edit::{self, NewValue};
use escrun::syntax::path;

use super::world::{CANARY, World, shown};

const DEFINITION: &str = "\
values:
  list: [1, two, {three: 3}]
  object: {key: value, 'a key': \"${list[1]}\"}
  secret: {fn::secret: {ciphertext: AAAA}}
  text: ''
";

/// Takes the text of a string.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.contains(CANARY) {
        return;
    }
    let source: Arc<Source> = Source::new("a", None, DEFINITION);
    let place = path::parse("values.text").expect("a path");
    let value = NewValue::string(&*text);
    let Ok(definition) = edit::set(&source, &place, &value) else {
        // Characters that YAML has no notation for.
        return;
    };
    let evaluated = World::new([("a", &*definition)]).evaluate(&["a"], Mode::Eval);
    assert!(!shown(&evaluated).contains(CANARY), "a secret shows");
    let found = evaluated.merged.member("text").expect("it was set");
    if !text.contains('$') {
        let escrun::value::Data::String(found) = &found.data else {
            panic!("a string is no string");
        };
        assert_eq!(found.bytes(), text.as_bytes());
        assert!(!evaluated.diagnostics.iter().any(|fault| fault.is_error()));
    }
}
