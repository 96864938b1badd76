//! Fuzzes [`escrun_fuzz::interpolation`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::interpolation::check(data));
