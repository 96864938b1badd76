//! Fuzzes [`escrun_fuzz::property_path`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::property_path::check(data));
