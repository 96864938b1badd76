//! The value at a path.

use std::fmt;

use crate::quote::quoted;
use crate::suggest::nearest;
use crate::syntax::path::{self, Step};
use crate::value::{Data, Value};

/// That there is no value at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoValue {
    /// The path up to the step that leads nowhere.
    pub path: String,
    /// What helps. It may name keys that stand beside.
    pub hint: Option<String>,
}

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no value at {}", self.path)
    }
}

impl std::error::Error for NoValue {}

/// The value at a path that begins below `values`.
///
/// # Errors
/// When there is none.
pub fn value_at<'v>(value: &'v Value, steps: &[Step]) -> Result<&'v Value, NoValue> {
    let mut at = value;
    for (index, step) in steps.iter().enumerate() {
        let next = match (&at.data, step) {
            (Data::Object(object), Step::Key(key)) => {
                object.members.get(&**key).map(|member| &member.value)
            }
            (Data::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        };
        let Some(next) = next else {
            return Err(NoValue {
                path: path::render(&steps[..=index]),
                hint: hint(at, steps, index),
            });
        };
        at = next;
    }
    Ok(at)
}

/// What helps where step `index` leads from `at` to nothing.
fn hint(at: &Value, steps: &[Step], index: usize) -> Option<String> {
    let near = match (&at.data, &steps[index]) {
        (Data::Object(object), Step::Key(key)) if !at.secret => {
            nearest(key, object.members.keys().map(|key| &**key))
        }
        _ => None,
    };
    match (near, steps) {
        (Some(near), _) => Some(format!("did you mean {}?", quoted(near))),
        (None, [Step::Key(key), below @ ..])
            if index == 0 && **key == *"values" && !below.is_empty() =>
        {
            Some(begin_below_values(below))
        }
        _ => None,
    }
}

/// What helps with a path that was copied from a message, where it begins at the definition.
pub fn begin_below_values(below: &[Step]) -> String {
    format!("paths begin below values: {}", path::render(below))
}
