//! Whether values are being composed anew, and whether that is to be done again.

/// One composing at a time; a change during it makes another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reload {
    is_resolving: bool,
    is_pending: bool,
}

impl Reload {
    /// Files have changed.
    pub(super) fn request(&mut self) {
        self.is_pending = true;
    }

    /// Whether to compose now, which counts as begun then.
    pub(super) fn begin(&mut self) -> bool {
        let begins = self.is_pending && !self.is_resolving;
        if begins {
            *self = Self {
                is_resolving: true,
                is_pending: false,
            };
        }
        begins
    }

    /// Composing has ended; says whether it was begun.
    pub(super) fn end(&mut self) -> bool {
        std::mem::take(&mut self.is_resolving)
    }

    /// What is being composed is broken off, to be done again later; says whether there is anything.
    pub(super) fn postpone(&mut self) -> bool {
        self.is_pending |= self.is_resolving;
        self.is_resolving
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_while_composing_make_one_more() {
        let mut reload = Reload::default();
        assert!(!reload.begin());
        reload.request();
        reload.request();
        assert!(reload.begin());
        assert!(!reload.begin());
        reload.request();
        assert!(!reload.begin());
        assert!(reload.end());
        assert!(reload.begin());
        assert!(reload.end());
        assert!(!reload.end());
        assert!(!reload.begin());
    }

    #[test]
    fn what_is_broken_off_is_done_again() {
        let mut reload = Reload::default();
        assert!(!reload.postpone());
        assert!(!reload.begin());
        reload.request();
        assert!(reload.begin());
        assert!(reload.postpone());
        assert!(reload.end());
        assert!(reload.begin());
    }
}
