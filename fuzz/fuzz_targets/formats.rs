//! Fuzzes [`escrun_fuzz::formats`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::formats::check(data));
