//! The `escrun` command.

fn main() {}
