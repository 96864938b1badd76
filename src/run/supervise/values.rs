//! What the command is given: now, next, and before.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::machine::Verdict;
use crate::reaction::{Decision, Notice, Rules};
use crate::run::Delivery;

/// The values of a command that can change.
pub(super) struct Values {
    current: Delivery,
    /// Composed, but not yet what the command is to have.
    next: Option<Delivery>,
    /// What the command had when it last was up.
    fallback: Option<Delivery>,
    /// What it had just before, if that is not the same.
    superseded: Option<Delivery>,
    /// Whether secrets are hidden in what the command writes.
    masks: bool,
    /// What differs between the current values and those before.
    changed: BTreeSet<OsString>,
    /// How the command is told of that.
    notices: Vec<Notice>,
}

impl Values {
    /// What the command has. `masks` says whether secrets are hidden in what it writes.
    pub(super) fn new(current: Delivery, masks: bool) -> Self {
        Self {
            current,
            next: None,
            fallback: None,
            superseded: None,
            masks,
            changed: BTreeSet::new(),
            notices: Vec::new(),
        }
    }

    /// What the command has, or is to have when it is started.
    pub(super) fn current(&self) -> &Delivery {
        &self.current
    }

    /// The names of what changed last.
    pub(super) fn changed(&self) -> &BTreeSet<OsString> {
        &self.changed
    }

    /// How the command is to be told of that.
    pub(super) fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// What newly composed values come to.
    pub(super) fn judge(&mut self, composed: Delivery, rules: &Rules) -> Verdict {
        let changed = self.current.changes(&composed);
        if changed.is_empty() {
            return Verdict::Same;
        }
        let verdict = match rules.decide(&changed) {
            Decision::Tell(notices) if !self.reveals(&composed) => {
                self.notices = notices;
                Verdict::Tell
            }
            Decision::Restart | Decision::Tell(_) => {
                self.notices.clear();
                Verdict::Restart
            }
        };
        self.next = Some(composed);
        self.changed = changed;
        verdict
    }

    /// Whether a running command could write secrets that are not looked for: these are settled when it starts.
    fn reveals(&self, composed: &Delivery) -> bool {
        let secrets = |delivery: &Delivery| -> Vec<Vec<u8>> {
            // Exposed to be compared; what is freed is wiped.
            let values = delivery.masked.iter().map(|masked| masked.value.expose());
            values.map(<[u8]>::to_vec).collect()
        };
        self.masks && secrets(&self.current) != secrets(composed)
    }

    /// What the command had before the current values, as its files may still show.
    pub(super) fn before(&self) -> Option<&Delivery> {
        self.superseded.as_ref().or(self.fallback.as_ref())
    }

    /// The newly composed values become the current ones.
    pub(super) fn adopt(&mut self) {
        if let Some(next) = self.next.take() {
            let before = std::mem::replace(&mut self.current, next);
            match self.fallback {
                None => self.fallback = Some(before),
                Some(_) => self.superseded = Some(before),
            }
        }
    }

    /// Forgets the newly composed values.
    pub(super) fn discard(&mut self) {
        self.next = None;
    }

    /// Forgets the values before: the current ones are good.
    pub(super) fn settle(&mut self) {
        self.fallback = None;
        self.superseded = None;
    }

    /// Makes the values before the current ones again.
    pub(super) fn roll_back(&mut self) {
        if let Some(fallback) = self.fallback.take() {
            self.superseded = Some(std::mem::replace(&mut self.current, fallback));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reaction::{Reaction, Rule};
    use crate::run::delivery::Variable;
    use crate::secret::Secret;

    fn delivery(text: &str) -> Delivery {
        Delivery {
            variables: vec![Variable {
                name: "A".into(),
                value: Secret::from_parts(&[text.as_bytes()]),
            }],
            ..Delivery::default()
        }
    }

    fn value(values: &Values) -> &[u8] {
        values.current().variables[0].value.expose()
    }

    #[test]
    fn what_was_good_is_kept_until_something_else_is() {
        let rules = Rules::default();
        let mut values = Values::new(delivery("1"), false);
        assert_eq!(values.judge(delivery("1"), &rules), Verdict::Same);
        for (text, expected) in [("2", "2"), ("3", "3")] {
            assert_eq!(values.judge(delivery(text), &rules), Verdict::Restart);
            values.adopt();
            assert_eq!(value(&values), expected.as_bytes());
        }
        values.roll_back();
        assert_eq!(value(&values), b"1");
        assert_eq!(values.judge(delivery("4"), &rules), Verdict::Restart);
        values.adopt();
        values.settle();
        values.roll_back();
        assert_eq!(value(&values), b"4");
        assert_eq!(values.judge(delivery("5"), &rules), Verdict::Restart);
        values.discard();
        values.adopt();
        assert_eq!(value(&values), b"4");
    }

    #[test]
    fn rules_decide_who_is_told() {
        let rules = Rules {
            rules: vec![Rule {
                patterns: None,
                reaction: Reaction::Tell(Notice::Exec("reload".into())),
            }],
            otherwise: Reaction::Restart,
        };
        let mut values = Values::new(delivery("1"), false);
        assert_eq!(values.judge(delivery("2"), &rules), Verdict::Tell);
        assert_eq!(values.notices(), [Notice::Exec("reload".into())]);
        assert_eq!(values.changed(), &BTreeSet::from(["A".into()]));
    }
}
