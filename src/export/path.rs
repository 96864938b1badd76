//! Paths to the members of a value.

use std::fmt;

use super::name::is_portable;

/// The keys that lead to a member, as a list from the innermost outwards, so that walking a value copies none.
#[derive(Clone, Copy)]
pub struct Path<'p, 'k> {
    outer: Option<&'p Path<'p, 'k>>,
    key: &'k str,
}

impl Path<'static, 'static> {
    /// The path to the values of a definition.
    pub const VALUES: Self = Self {
        outer: None,
        key: "values",
    };
}

impl<'k> Path<'_, 'k> {
    /// The path to the member `key` of what is here.
    pub fn join<'p>(&'p self, key: &'k str) -> Path<'p, 'k> {
        let outer = Some(self);
        Path { outer, key }
    }

    /// The keys below [`Path::VALUES`], outermost first.
    pub fn keys(&self) -> Vec<&'k str> {
        let mut keys = Vec::new();
        let mut here = *self;
        while let Some(outer) = here.outer {
            keys.push(here.key);
            here = *outer;
        }
        keys.reverse();
        keys
    }
}

/// Renders as diagnostics have it (language specification, section 7.3): `values.a["c-d"]`.
impl fmt::Display for Path<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Path::VALUES.key)?;
        for key in self.keys() {
            if is_portable(key) {
                write!(f, ".{key}")?;
            } else if !key.is_empty() {
                // What a terminal would obey must not reach it from a key.
                let key: String = key
                    .replace('"', "\\\"")
                    .chars()
                    .flat_map(|character| {
                        let plain = (!character.is_control()).then_some(character);
                        let escaped = plain.is_none().then(|| character.escape_default());
                        plain.into_iter().chain(escaped.into_iter().flatten())
                    })
                    .collect();
                write!(f, "[\"{key}\"]")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_in_diagnostics() {
        let app = Path::VALUES.join("app");
        let cases = [
            ("host", "values.app.host"),
            ("log_2", "values.app.log_2"),
            ("log-level", "values.app[\"log-level\"]"),
            ("2fa", "values.app[\"2fa\"]"),
            ("a\"b", "values.app[\"a\\\"b\"]"),
            ("a\x1b[0m", "values.app[\"a\\u{1b}[0m\"]"),
            ("é", "values.app[\"é\"]"),
            ("", "values.app"),
        ];
        for (key, expected) in cases {
            assert_eq!(app.join(key).to_string(), expected);
        }
    }
}
