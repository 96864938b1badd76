//! Fuzzes [`escrun_fuzz::mask`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::mask::check(data));
