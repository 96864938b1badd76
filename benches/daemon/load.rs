//! Many clients at the same time.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Request, ask};

/// How many requests are answered per second.
pub(super) fn rate(socket: &Path, request: &Request, clients: usize, time: Duration) -> f64 {
    let (answered, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let since = Instant::now();
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    ask(socket, request);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(time);
        over.store(true, Ordering::Relaxed);
    });
    answered.load(Ordering::Relaxed) as f64 / since.elapsed().as_secs_f64()
}
