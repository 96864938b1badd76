//! Fuzzes [`escrun_fuzz::provider_answer`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::provider_answer::check(data));
