//! Which values a rule is about.

use crate::syntax::path::{self, Step};

/// Values: the one at a path, or all below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathPattern {
    steps: Vec<Step>,
    is_below: bool,
}

/// What is wanted of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it; so is what nobody can tell apart from all.
    Everything,
    /// The value at a path, with all that is in it.
    Value(Vec<Step>),
}

impl Wanted {
    /// What is asked for by a path; no path and a path that is none stand for everything.
    pub(super) fn at(path: Option<&str>) -> Self {
        match path.map(path::parse) {
            Some(Ok(steps)) if !steps.is_empty() => Self::Value(steps),
            _ => Self::Everything,
        }
    }
}

impl PathPattern {
    /// Reads a path, or one followed by `.*`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = path::parse(text)?;
        let is_below = text == "*" || text.ends_with(".*");
        if is_below {
            steps.pop();
        }
        let is_key = |step: &Step, test: fn(&str) -> bool| match step {
            Step::Key(key) => test(key),
            Step::Index(_) => false,
        };
        if steps.is_empty() && !is_below {
            return Err("a path must not be empty; `*` stands for every value".to_owned());
        }
        if steps
            .iter()
            .any(|step| is_key(step, |key| key.contains('*')))
        {
            return Err("`*` may stand only at the end of a path, behind a dot".to_owned());
        }
        if steps
            .first()
            .is_some_and(|step| is_key(step, |key| key == "values"))
        {
            return Err("paths begin below values: leave `values` out".to_owned());
        }
        Ok(Self { steps, is_below })
    }

    /// Whether all that is wanted is of these values.
    pub(super) fn covers(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Everything => false,
            Wanted::Value(path) if self.is_below => {
                path.len() > self.steps.len() && path.starts_with(&self.steps)
            }
            Wanted::Value(path) => *path == self.steps,
        }
    }

    /// Whether anything that is wanted is of these values.
    pub(super) fn touches(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Everything => true,
            Wanted::Value(path) => path.starts_with(&self.steps) || self.steps.starts_with(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cover_and_touch() {
        // Pattern, wanted, whether it covers that, whether it touches it.
        for (pattern, wanted, covers, touches) in [
            ("database.password", "database.password", true, true),
            ("database.password", "database[\"password\"]", true, true),
            ("database.password", "database", false, true),
            ("database.password", "database.password.old", false, true),
            ("database.password", "database.user", false, false),
            ("database.password", "databases", false, false),
            ("database.*", "database.password", true, true),
            ("database.*", "database.a.b", true, true),
            ("database.*", "database[0]", true, true),
            ("database.*", "database", false, true),
            ("database.*", "other", false, false),
            ("hosts[0]", "hosts[0]", true, true),
            ("hosts[0]", "hosts[1]", false, false),
            ("hosts[0]", "hosts[\"0\"]", false, false),
            ("hosts[0]", "hosts.0", false, false),
            ("hosts[0].*", "hosts[0].name", true, true),
            ("*", "a", true, true),
            ("*", "a[0].b", true, true),
            // All of it, and what nobody can tell apart from all.
            ("*", "", false, true),
            ("a", "", false, true),
            ("a", "a..b", false, true),
        ] {
            let parsed = PathPattern::parse(pattern).expect(pattern);
            let asked = Wanted::at(Some(wanted));
            assert_eq!(parsed.covers(&asked), covers, "{pattern} {wanted}");
            assert_eq!(parsed.touches(&asked), touches, "{pattern} {wanted}");
        }
        assert_eq!(Wanted::at(None), Wanted::Everything);
    }

    #[test]
    fn patterns_have_a_form() {
        for text in [
            "", "*.a", "a.*.b", "a*", "a[*]", "**", "values.a", ".a", "a.", "[\"*\"]",
        ] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
