//! What needs real programs: one binary for all of it, one module per part.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod export;
