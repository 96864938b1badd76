//! Tests across modules and with other programs, in one binary.

mod export;
