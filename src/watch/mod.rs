//! Notices that files have changed, without ever looking by itself: the kernel tells (inotify(7)).
//!
//! Knows paths and times, not what the files are for. What the kernel does not tell is not noticed: changes that another
//! machine makes on a network file system, and a file system that is mounted over a folder on the way.

mod debounce;
mod recent;
mod repository;
#[cfg(target_os = "linux")]
mod route;
#[cfg(target_os = "linux")]
mod watcher;

pub use debounce::Debounce;
pub use recent::changed_since;
pub use repository::is_at_work;
#[cfg(target_os = "linux")]
pub use watcher::{BlindSpot, Watcher};
