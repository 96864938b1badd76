//! Fuzzes [`escrun_fuzz::request`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::request::check(data));
