//! What a value was merged onto or overrode.
//!
//! Merging links the two values and copies nothing: the same import, reached on many ways, would otherwise be listed as
//! often as there are ways, which doubles with each level of imports.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Data, Value};
use crate::source::Origin;

/// A link to what lies below a value.
pub struct Base {
    /// What the value had been merged onto before.
    nearer: Option<Arc<Base>>,
    /// What lies below that, with bases of its own.
    value: Value,
}

impl Base {
    /// What lies below all that is nearer.
    pub fn value(&self) -> &Value {
        &self.value
    }
}

impl Value {
    /// This value, which goes over `base` (and all that it has been merged onto already).
    #[must_use]
    pub fn onto(self, base: &Value) -> Self {
        let base = Base {
            nearer: self.base.clone(),
            value: base.as_base(),
        };
        Self {
            base: Some(Arc::new(base)),
            ..self
        }
    }

    /// What is kept of it below another value. The members of an object that went over another one are in what goes over it
    /// now, and are kept nowhere else: a thousand imports would hold a thousand objects, each larger than the one before.
    fn as_base(&self) -> Self {
        let is_object = |value: &Self| matches!(value.data, Data::Object(_));
        match (&self.data, &self.base) {
            (Data::Object(object), Some(base)) if !object.closed && is_object(&base.value) => {
                Self {
                    data: Data::Object(Arc::default()),
                    ..self.clone()
                }
            }
            _ => self.clone(),
        }
    }

    /// What it was merged onto or overrode, nearest first; what was defined in one place comes once.
    pub fn bases(&self) -> Bases<'_> {
        Bases {
            pending: self.base.as_ref().map(Next::Base).into_iter().collect(),
            links: HashSet::new(),
            origins: HashSet::from([&self.origin]),
        }
    }
}

/// Goes through the bases of a value.
pub struct Bases<'v> {
    /// What comes next, the nearest last.
    pending: Vec<Next<'v>>,
    links: HashSet<*const Base>,
    origins: HashSet<&'v Origin>,
}

enum Next<'v> {
    Base(&'v Arc<Base>),
    Value(&'v Value),
}

impl<'v> Iterator for Bases<'v> {
    type Item = &'v Value;

    fn next(&mut self) -> Option<&'v Value> {
        loop {
            match self.pending.pop()? {
                Next::Value(value) if self.origins.insert(&value.origin) => return Some(value),
                Next::Base(base) if self.links.insert(Arc::as_ptr(base)) => {
                    let below = base.value.base.as_ref().map(Next::Base);
                    self.pending.extend(below);
                    self.pending.push(Next::Value(&base.value));
                    self.pending.extend(base.nearer.as_ref().map(Next::Base));
                }
                Next::Value(_) | Next::Base(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Span};
    use crate::value::{Data, Text};

    fn named(name: &str) -> Value {
        let origin = Origin::new(&Source::new("test", None, ""), Span::default());
        Value::new(Data::String(Text::plain(name)), origin)
    }

    fn names(value: &Value) -> String {
        let names = value.bases().map(|base| match &base.data {
            Data::String(text) => String::from_utf8_lossy(text.bytes()).into_owned(),
            _ => String::new(),
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_nearest_base_comes_first() {
        let below = named("c").onto(&named("d"));
        let value = named("a").onto(&named("b")).onto(&below);
        assert_eq!(names(&value), "b c d");
        assert_eq!(names(&named("a")), "");
    }

    #[test]
    fn members_that_went_over_others_are_kept_once() {
        let object = |name: &str| {
            let members = [(Arc::from("k"), named(name).into())].into();
            let object = crate::value::Object::new(members);
            Value::new(Data::Object(Arc::new(object)), named(name).origin)
        };
        let value = object("a").onto(&object("b").onto(&object("c")));
        // Those of the lowest are what may be named where a key is missing.
        let below: Vec<bool> =
            std::iter::successors(value.base.as_ref(), |base| base.value.base.as_ref())
                .map(|base| base.value.member("k").is_some())
                .collect();
        assert_eq!(below, [false, true]);
    }

    #[test]
    fn what_is_reached_on_many_ways_is_told_once() {
        let mut value = named("a").onto(&named("b"));
        for _ in 0..60 {
            value = value.clone().onto(&value);
        }
        assert_eq!(names(&value), "b");
    }
}
