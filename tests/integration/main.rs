//! Tests that look at real processes from outside. One binary, because each takes seconds to link.

mod memory;
mod outside;
mod process;
mod scan;
mod terminal;
