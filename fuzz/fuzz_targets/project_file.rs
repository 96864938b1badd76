//! Fuzzes [`escrun_fuzz::project_file`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| escrun_fuzz::project_file::check(data));
