//! Links the unwinder into the program, where the C compiler has it as a static library.
//!
//! Rust's standard library wants it for backtraces, and takes it from the shared libgcc_s: one more library to find, map
//! and relocate at every start, whose constructor also executes CPUID a dozen times, which traps in a virtual machine.
//! That is 50 to 140 µs of a run of 2 ms. Where there is no static one, nothing changes.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything by variables"
)]

use std::env::var;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // What the compiler of this machine says holds for this machine alone.
    let native = var("HOST") == var("TARGET");
    let gnu = var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if native && gnu && has_static_unwinder() {
        // Neither found nor packed by rustc, but left to the linker, which knows where it is.
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

fn has_static_unwinder() -> bool {
    let answer = Command::new("cc")
        .arg("-print-file-name=libgcc_eh.a")
        .output();
    // A compiler that has no such file repeats the name, which is no absolute path.
    answer.is_ok_and(|answer| {
        let path = String::from_utf8_lossy(&answer.stdout);
        Path::new(path.trim()).is_absolute()
    })
}
