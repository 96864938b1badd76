//! Fuzzes [`escrun_fuzz::dotenv`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::dotenv::check(data));
