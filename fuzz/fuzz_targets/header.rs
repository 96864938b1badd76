//! Fuzzes [`escrun_fuzz::header`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::header::check(data));
