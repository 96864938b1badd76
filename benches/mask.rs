//! How fast output passes when secrets are masked in it, beside a plain copy: `cargo bench --bench mask`.

#![expect(clippy::print_stdout, reason = "a program of its own that reports")]

use std::fs::File;
use std::io::{Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use escrun::run::mask::{Matcher, Pump, Redactor};

/// How much passes, in bytes.
const SIZE: usize = 512 << 20;
/// How much is written and read at once, in bytes.
const CHUNK: usize = 64 << 10;

fn main() {
    for count in [1, 50, 1_000, 10_000] {
        build(count);
    }
    build_large();
    let secrets = secrets(50);
    let log =
        "2026-01-01T00:00:00.000Z INFO  auth: user 4711 has logged in from 192.0.2.17 in 12 ms\n";
    let near = secrets[7][..20].to_owned();
    let periodic = "a".repeat(200);
    for (name, line) in [
        ("log lines", log.to_owned()),
        (
            "base64",
            "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw\n".into(),
        ),
        ("zeroes", "\0".repeat(100)),
        (
            "a secret in each line",
            format!("password is {} now\n", secrets[3]),
        ),
        ("beginnings of secrets", near),
        ("a periodic secret, missed", periodic.clone()),
    ] {
        let mut secrets = secrets.clone();
        secrets.push(format!("{periodic}b"));
        pass(name, &line, &secrets);
    }
}

/// As tokens are: letters and digits without order.
fn secrets(count: usize) -> Vec<String> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut digit = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from_digit((state >> 32) as u32 % 36, 36).expect("a digit")
    };
    (0..count)
        .map(|_| (0..32).map(|_| digit()).collect())
        .collect()
}

fn matcher(secrets: &[String]) -> Matcher {
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    Matcher::new(&secrets)
}

fn build(count: usize) {
    let secrets = secrets(count);
    let before = locked();
    let start = Instant::now();
    let matcher = matcher(&secrets);
    let time = start.elapsed();
    let size = locked() - before;
    println!("{count:6} secrets of 32 bytes: made in {time:?}, {size} KiB locked");
    drop(matcher);
}

fn build_large() {
    let secret = secrets(32 * 1024).concat();
    let before = locked();
    let start = Instant::now();
    let matcher = matcher(&[secret]);
    let time = start.elapsed();
    let size = locked() - before;
    println!("     1 secret of 1 MiB: made in {time:?}, {size} KiB locked");
    drop(matcher);
}

/// How much memory is locked, in KiB: proc(5). That of memfd_secret(2) counts as well.
fn locked() -> i64 {
    let status = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let mut size = 0;
    let mut locked = 0;
    for line in status.lines() {
        if let Some(rest) = line.strip_prefix("Size:") {
            size = rest.trim().trim_end_matches(" kB").parse().unwrap_or(0);
        }
        if line
            .strip_prefix("VmFlags:")
            .is_some_and(|flags| flags.split(' ').any(|flag| flag == "lo"))
        {
            locked += size;
        }
    }
    locked
}

/// Moves lines through a pump, and through a thread that copies as cat(1) does.
fn pass(name: &str, line: &str, secrets: &[String]) {
    let chunk: Vec<u8> = line.bytes().cycle().take(CHUNK).collect();
    let matcher = Arc::new(matcher(secrets));
    let masked = time(&chunk, |from, to| {
        let pump = Pump::start(Redactor::new(Arc::clone(&matcher)), from, to);
        pump.expect("a pump").join().expect("a reader");
    });
    let copied = time(&chunk, |from, to| {
        let (mut from, mut to) = (File::from(from), File::from(to));
        let mut buffer = vec![0; 2 * CHUNK];
        loop {
            match from.read(&mut buffer).expect("a writer") {
                0 => break,
                count => to.write_all(&buffer[..count]).expect("a reader"),
            }
        }
    });
    let mut redactor = Redactor::new(matcher);
    let start = Instant::now();
    for _ in 0..SIZE / CHUNK {
        redactor.room().copy_from_slice(&chunk);
        redactor.advance(CHUNK).for_each(drop);
    }
    let alone = start.elapsed().as_secs_f64();
    println!(
        "{name:28} {:>6.0} MB/s masked, {:>6.0} MB/s copied, {:>6.0} MB/s without pipes",
        rate(masked),
        rate(copied),
        rate(alone)
    );
}

fn rate(seconds: f64) -> f64 {
    SIZE as f64 / 1e6 / seconds
}

/// How long it takes until all that is written has been read behind `step`, in seconds.
fn time(chunk: &[u8], step: impl FnOnce(OwnedFd, OwnedFd)) -> f64 {
    let (from, mut writer) = pipe().expect("a pipe");
    let (mut reader, to) = pipe().expect("a pipe");
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..SIZE / CHUNK {
                writer.write_all(chunk).expect("a reader");
            }
        });
        scope.spawn(move || {
            let mut buffer = vec![0; 2 * CHUNK];
            while reader.read(&mut buffer).expect("a writer") > 0 {}
        });
        step(from.into(), to.into());
    });
    start.elapsed().as_secs_f64()
}
