//! Fuzzes [`escrun_fuzz::definition`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::definition::check(data));
