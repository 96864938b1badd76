//! Fuzzes [`escrun_fuzz::payload`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::payload::check(data));
