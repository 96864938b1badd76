//! Fuzzes [`escrun_fuzz::audit`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::audit::check(data));
