//! Fuzzes [`escrun_fuzz::edit`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::edit::check(data));
