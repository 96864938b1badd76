use super::*;
use crate::protocol::Code;
use crate::secret::Secret;

const LIMITS: CacheLimits = CacheLimits {
    bytes: 4 * (OVERHEAD + 1000),
    age: Duration::from_secs(100),
    provider_age: Duration::from_secs(10),
};

fn closure() -> Arc<Closure> {
    let closure = Closure::gather(&["a".into()], None, |_| {
        Arc::new(super::super::document::Document::absent("nothing there"))
    });
    Arc::new(closure.expect("a closure"))
}

fn answer(size: usize) -> Outcome {
    Ok(Arc::new(Answer {
        body: Secret::fill(size, |bytes| bytes.fill(b'x')),
        names: Vec::new(),
        revision: "r".into(),
    }))
}

fn landing(outcome: Outcome) -> Landing {
    Landing {
        outcome,
        closure: closure(),
        lifetime: None,
        generation: 0,
    }
}

fn key(number: u8) -> Key {
    [number; 32]
}

fn put(cache: &Arc<Cache>, number: u8, landing: Landing) {
    let Found::Nothing(flight) = cache.find(&key(number), 0, Instant::now()) else {
        panic!("{number} is there already");
    };
    flight.land(landing);
}

/// Whether there is an answer, without asking for one to be made.
fn has(cache: &Arc<Cache>, number: u8, after: Duration) -> bool {
    matches!(
        cache.find(&key(number), 0, Instant::now() + after),
        Found::Answer(_)
    )
}

#[test]
fn what_was_used_last_stays() {
    let cache = Cache::new(LIMITS);
    for number in 0..4 {
        put(&cache, number, landing(answer(1000)));
    }
    assert!(has(&cache, 0, Duration::ZERO));
    put(&cache, 4, landing(answer(1000)));
    let there: Vec<u8> = (0..5)
        .filter(|number| has(&cache, *number, Duration::ZERO))
        .collect();
    assert_eq!(there, [0, 2, 3, 4]);
    assert_eq!(cache.figures().bytes, LIMITS.bytes);
    // A large one takes the place of several, and one that is too large none.
    put(&cache, 5, landing(answer(2500)));
    put(&cache, 6, landing(answer(100_000)));
    assert!(has(&cache, 5, Duration::ZERO) && !has(&cache, 6, Duration::ZERO));
    assert!(cache.figures().bytes <= LIMITS.bytes);
}

#[test]
fn nothing_is_given_longer_than_it_is_good_for() {
    let cache = Cache::new(LIMITS);
    put(&cache, 0, landing(answer(1)));
    let short = Landing {
        lifetime: Some(Duration::from_secs(5)),
        ..landing(answer(1))
    };
    put(&cache, 1, short);
    let long = Landing {
        lifetime: Some(Duration::from_secs(500)),
        ..landing(answer(1))
    };
    put(&cache, 2, long);
    let none = Landing {
        lifetime: Some(Duration::ZERO),
        ..landing(answer(1))
    };
    put(&cache, 3, none);
    let failure = super::super::failure(Code::Faulty, "wrong");
    put(&cache, 4, landing(Err(Arc::new(failure))));
    let there = |seconds| -> Vec<u8> {
        let after = Duration::from_secs(seconds);
        (0..5)
            .filter(|number| has(&cache, *number, after))
            .collect()
    };
    assert_eq!(there(0), [0, 1, 2, 4]);
    assert_eq!(there(4), [0, 1, 2]);
    assert_eq!(there(50), [0, 2]);
    assert_eq!(there(101), [0; 0]);
    assert_eq!(cache.figures().bytes, 0);
}

#[test]
fn other_identities_find_nothing() {
    let cache = Cache::new(LIMITS);
    put(&cache, 0, landing(answer(1)));
    let Found::Nothing(late) = cache.find(&key(1), 0, Instant::now()) else {
        panic!("nothing is there");
    };
    assert!(matches!(
        cache.find(&key(0), 1, Instant::now()),
        Found::Nothing(_)
    ));
    assert_eq!(cache.figures().answers, 0);
    // What was begun with the old ones is not remembered.
    late.land(landing(answer(1)));
    assert_eq!(cache.figures().answers, 0);
    // Forgetting is immediate.
    let Found::Nothing(flight) = cache.find(&key(2), 1, Instant::now()) else {
        panic!("nothing is there");
    };
    flight.land(Landing {
        generation: 1,
        ..landing(answer(1))
    });
    assert_eq!(cache.figures().answers, 1);
    cache.clear(2);
    assert_eq!((cache.figures().answers, cache.figures().bytes), (0, 0));
}

#[test]
fn equal_requests_wait_for_one_answer() {
    let cache = Cache::new(LIMITS);
    let Found::Nothing(flight) = cache.find(&key(0), 0, Instant::now()) else {
        panic!("nothing is there");
    };
    let Found::Begun(mut waiting) = cache.find(&key(0), 0, Instant::now()) else {
        panic!("it was begun");
    };
    assert!(waiting.borrow_and_update().is_none());
    flight.land(landing(answer(3)));
    let outcome = waiting.borrow_and_update().clone();
    assert!(matches!(outcome, Some(Ok(answer)) if answer.body.expose().len() == 3));
    assert_eq!(cache.figures().joined, 1);

    // Who waits for what is given up hears of it, and the next one begins anew.
    let Found::Nothing(flight) = cache.find(&key(1), 0, Instant::now()) else {
        panic!("nothing is there");
    };
    let Found::Begun(waiting) = cache.find(&key(1), 0, Instant::now()) else {
        panic!("it was begun");
    };
    drop(flight);
    assert!(waiting.has_changed().is_err());
    assert!(matches!(
        cache.find(&key(1), 0, Instant::now()),
        Found::Nothing(_)
    ));
}

#[test]
fn what_was_begun_by_other_limits_is_not_remembered() {
    let cache = Cache::new(LIMITS);
    put(&cache, 0, landing(answer(1)));
    let Found::Nothing(flight) = cache.find(&key(1), 0, Instant::now()) else {
        panic!("nothing is there");
    };
    let mut waiting = flight.landing();
    cache.limit(CacheLimits {
        bytes: OVERHEAD + 10,
        ..LIMITS
    });
    flight.land(landing(answer(1)));
    // Who asked before has the answer all the same.
    assert!(waiting.borrow_and_update().is_some());
    assert!(!has(&cache, 0, Duration::ZERO));
    put(&cache, 1, landing(answer(10)));
    assert!(has(&cache, 1, Duration::ZERO));
    put(&cache, 2, landing(answer(11)));
    assert_eq!(cache.figures().answers, 1);
}

#[test]
fn what_is_not_current_goes() {
    let cache = Cache::new(LIMITS);
    let kept = landing(answer(1));
    let closure = Arc::clone(&kept.closure);
    put(&cache, 0, kept);
    put(&cache, 1, landing(answer(1)));
    cache.retain(|other| Arc::ptr_eq(other, &closure));
    assert!(has(&cache, 0, Duration::ZERO) && !has(&cache, 1, Duration::ZERO));
    assert!(cache.expire(Instant::now()).is_some());
    assert_eq!(cache.expire(Instant::now() + LIMITS.age), None);
    assert_eq!(cache.figures().answers, 0);
}
