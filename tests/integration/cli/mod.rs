//! The command as users meet it: the real program, in a home of its own.

pub(crate) mod at_terminal;
mod author;
mod check;
mod explain;
mod export;
mod faults;
mod files;
mod get;
mod help;
mod messages;
mod privileges;
mod run;
mod streams;
mod surroundings;
pub(crate) mod test_env;
mod trust;

use test_env::{CANARY, TestEnv};
