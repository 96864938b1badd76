//! Takes secrets out of what the command writes, while it passes.
//!
//! [`Matcher`] is made once of all secrets: it knows each in the forms in which programs are likely to write it. A
//! [`Redactor`] is one stream's place in it, and a [`Pump`] moves a stream through a redactor on a thread of its own.
//!
//! Data flows: `Plan` (which forms there are, and how long) → `Patterns` (their bytes) → `Trie` and `Fallbacks` (where
//! to go on after each byte) → `Matcher`. All that holds bytes of secrets, or follows from them, is in locked memory.

mod base64;
mod covers;
mod escape;
mod fallbacks;
mod form;
mod heads;
mod matcher;
mod numbers;
mod patterns;
mod plan;
mod pump;
mod redactor;
mod relay;
#[cfg(test)]
mod tests;
mod trie;
mod window;

pub use matcher::Matcher;
pub use pump::Pump;
pub use redactor::Redactor;
pub use relay::{InputRelay, Relayed};

/// The shortest secret that is masked, in bytes; shorter ones are common in any text. Also how many bytes the search
/// looks at before anything else.
pub const SHORTEST: usize = 4;

/// Whether a [`Matcher`] looks for this secret: without the white space at its ends it has at least [`SHORTEST`] bytes. An
/// empty one cannot show.
pub fn is_maskable(secret: &[u8]) -> bool {
    secret.is_empty() || secret.trim_ascii().len() >= SHORTEST
}
