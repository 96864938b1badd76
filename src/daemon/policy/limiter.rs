//! Counts what has been done against the rates of rules, for each user by itself.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::Charge;

/// Remembers how much of each rate is used up. Shared by all threads.
///
/// Of each rate and user it keeps one moment: when all would be as if nothing had been done. What is done moves it one
/// interval on, and may not move it further than one period from now (the generic cell rate algorithm, ITU-T I.371).
#[derive(Debug, Default)]
pub struct Limiter {
    spent: Mutex<Spent>,
    denials: OnceLock<Charge>,
}

/// What is remembered.
#[derive(Debug, Default)]
struct Spent {
    /// For each rate and user, when all will be as if nothing had been done.
    free: HashMap<(Charge, u32), Instant>,
    /// How many entries there were when those were last dropped that say nothing any more.
    left: usize,
}

/// How often one user is told that something is denied: each time is a line in the audit, of which only so many are kept.
const DENIALS: &str = "120/min";

/// Up to how many entries nothing is dropped of what says nothing any more.
const MANY: usize = 1024;

impl Limiter {
    /// Counts that `user` is denied something.
    ///
    /// # Errors
    /// When that was too often lately: the time after which it is not.
    pub fn take_denial(&self, user: u32, now: Instant) -> Result<(), Duration> {
        let charge = self.denials.get_or_init(|| Charge {
            // No rule has an empty name.
            rule: "".into(),
            rate: DENIALS.parse().expect("the constant is written as a rate"),
        });
        self.take(std::slice::from_ref(charge), user, now)
    }

    /// Counts one request of `user` against all of `charges`; against none of them if one is used up.
    ///
    /// # Errors
    /// When one is used up: the time after which it is not.
    pub fn take(&self, charges: &[Charge], user: u32, now: Instant) -> Result<(), Duration> {
        if charges.is_empty() {
            return Ok(());
        }
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let key = |charge: &Charge| (charge.clone(), user);
        let mut wait = Duration::ZERO;
        for charge in charges {
            let free = spent.free.get(&key(charge));
            let free = free.map_or(now, |free| (*free).max(now));
            let after = free + charge.rate.interval();
            wait = wait.max((after - now).saturating_sub(charge.rate.period()));
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        for charge in charges {
            let free = spent.free.entry(key(charge)).or_insert(now);
            *free = (*free).max(now) + charge.rate.interval();
        }
        spent.make_room(now);
        Ok(())
    }
}

impl Spent {
    /// Users come and go; an entry whose moment has passed is as good as none. It is looked for such ones each time that
    /// there are twice as many entries as were left, so that this costs little even if none can be dropped.
    fn make_room(&mut self, now: Instant) {
        if self.free.len() > MANY.max(2 * self.left) {
            self.free.retain(|_, free| *free > now);
            self.left = self.free.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn charge(rule: &str, rate: &str) -> Charge {
        Charge {
            rule: Arc::from(rule),
            rate: rate.parse().expect("a rate"),
        }
    }

    #[test]
    fn as_many_as_the_rate_says_and_then_one_by_one() {
        let limiter = Limiter::default();
        let (rule, start) = ([charge("a", "3/min")], Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for (seconds, expected) in [
            (0, Ok(())),
            (0, Ok(())),
            (0, Ok(())),
            (0, Err(20)),
            (19, Err(1)),
            (20, Ok(())),
            (20, Err(20)),
            (60, Ok(())),
            (60, Ok(())),
            (60, Err(20)),
            // However long nothing was done, no more is saved up.
            (9999, Ok(())),
            (9999, Ok(())),
            (9999, Ok(())),
            (9999, Err(20)),
        ] {
            let got = limiter.take(&rule, 7, at(seconds));
            assert_eq!(got.map_err(|wait| wait.as_secs()), expected, "{seconds}");
        }
    }

    #[test]
    fn users_and_rules_are_counted_apart() {
        let limiter = Limiter::default();
        let (a, b) = (charge("a", "1/h"), charge("b", "2/h"));
        let (now, both) = (Instant::now(), [a.clone(), b.clone()]);
        let one = std::slice::from_ref(&a);
        assert!(limiter.take(&both, 1, now).is_ok());
        assert!(limiter.take(one, 1, now).is_err());
        assert!(limiter.take(one, 2, now).is_ok());
        // What is refused for one rule counts against no other.
        assert!(limiter.take(&both, 1, now).is_err());
        assert!(limiter.take(std::slice::from_ref(&b), 1, now).is_ok());
        assert!(limiter.take(&[b], 1, now).is_err());
        assert!(limiter.take(&[], 1, now).is_ok());
        // A rule with another rate than before is another.
        assert!(limiter.take(&[charge("a", "5/s")], 1, now).is_ok());
    }

    #[test]
    fn denials_of_one_user_are_bounded() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        let told = (0..1000).filter(|_| limiter.take_denial(1, now).is_ok());
        assert_eq!(told.count(), 120);
        assert!(limiter.take_denial(2, now).is_ok());
        let later = now + Duration::from_millis(500);
        assert!(limiter.take_denial(1, later).is_ok());
        assert!(limiter.take_denial(1, later).is_err());
    }

    #[test]
    fn what_says_nothing_is_forgotten() {
        let charges = [charge("a", "1/s"), charge("b", "1/s"), charge("c", "1/s")];
        for count in 1..=charges.len() {
            let (limiter, start) = (Limiter::default(), Instant::now());
            for user in 0..10 * MANY as u32 {
                let now = start + Duration::from_secs(user.into());
                limiter
                    .take(&charges[..count], user, now)
                    .expect("each for the first time");
                let kept = limiter.spent.lock().expect("no panic").free.len();
                assert!(kept <= MANY + count, "{kept} of {count} charges");
            }
        }
    }

    #[test]
    fn what_still_counts_is_kept() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        let rule = [charge("a", "1/h")];
        let users = 0..5 * MANY as u32;
        for user in users.clone() {
            assert!(limiter.take(&rule, user, now).is_ok(), "{user}");
        }
        for user in users {
            assert!(limiter.take(&rule, user, now).is_err(), "{user}");
        }
    }
}
