//! Looks for secrets in the memory of a running process, from outside.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Pieces of this many bytes count as found secrets.
const WINDOW: usize = 16;

/// How long what should be gone is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Secrets in all forms in which they may lie around.
pub(crate) struct Scanner {
    needles: AhoCorasick,
}

/// A mapping that holds a piece of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) mapping: String,
    /// Whether it is neither swapped nor dumped.
    pub(crate) is_protected: bool,
}

impl Scanner {
    /// Looks for every 16-byte piece of `secrets`, as they are and in UTF-16, base64 and hex.
    pub(crate) fn new(secrets: &[String]) -> Self {
        Self::of_keys(secrets, &[])
    }

    /// Looks for `keys` besides, which are no text: as they are, in base64 and in hex.
    pub(crate) fn of_keys(secrets: &[String], keys: &[Vec<u8>]) -> Self {
        let mut needles = BTreeSet::new();
        for key in keys {
            let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            let encoded = STANDARD.encode(key);
            for form in [&key[..], hex.as_bytes(), encoded.as_bytes()] {
                needles.extend(form.windows(WINDOW).map(<[u8]>::to_vec));
            }
        }
        for secret in secrets {
            let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let encoded = STANDARD.encode(secret);
            for form in [
                secret.as_bytes(),
                &utf16,
                hex.as_bytes(),
                encoded.as_bytes(),
            ] {
                needles.extend(form.windows(WINDOW).map(<[u8]>::to_vec));
            }
        }
        Self {
            needles: AhoCorasick::new(needles).expect("so few needles fit"),
        }
    }

    /// The names of the mappings of process `pid` that hold a piece of a secret.
    pub(crate) fn scan(&self, pid: u32) -> Vec<String> {
        let findings = self.find(pid).into_iter();
        findings.map(|finding| finding.mapping).collect()
    }

    /// The mappings of process `pid` that hold a piece of a secret.
    pub(crate) fn find(&self, pid: u32) -> Vec<Finding> {
        let maps = fs::read_to_string(format!("/proc/{pid}/smaps")).expect("a process to look at");
        let memory = File::open(format!("/proc/{pid}/mem")).expect("the right to look");
        let mut scanned = 0;
        let mut findings = Vec::new();
        let mut lines = maps.lines();
        while let Some(line) = lines.next() {
            let flags = lines
                .by_ref()
                .find_map(|line| line.strip_prefix("VmFlags:"))
                .expect("proc_pid_smaps(5): each mapping ends with its flags");
            let mut fields = line.split_ascii_whitespace();
            let (Some(range), Some(access)) = (fields.next(), fields.next()) else {
                continue;
            };
            let name = fields.nth(3).unwrap_or("anonymous");
            if !access.starts_with('r') || name.starts_with("[v") {
                continue;
            }
            let bytes = read(&memory, range);
            scanned += bytes.len();
            if self.needles.is_match(&bytes) {
                let has = |flag: &str| flags.split_whitespace().any(|known| known == flag);
                findings.push(Finding {
                    mapping: name.to_owned(),
                    is_protected: has("lo") && has("dd"),
                });
            }
        }
        // The stack alone is more.
        assert!(scanned > 64 << 10, "only {scanned} bytes could be read");
        findings
    }

    /// What is found once all that is under way in process `pid` has ended: waits until it is as it should be, and gives
    /// what it is at last.
    pub(crate) fn settled(&self, pid: u32, is_right: impl Fn(&[Finding]) -> bool) -> Vec<Finding> {
        let since = Instant::now();
        loop {
            let found = self.find(pid);
            if is_right(&found) || since.elapsed() > PATIENCE {
                return found;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A mapping's bytes, as far as the kernel gives them: secret memory refuses.
fn read(memory: &File, range: &str) -> Vec<u8> {
    let (low, high) = range.split_once('-').expect("proc(5): LOW-HIGH");
    let [low, high] =
        [low, high].map(|address| u64::from_str_radix(address, 16).expect("proc(5): hexadecimal"));
    let mut bytes = vec![0; (high - low) as usize];
    let length = memory.read_at(&mut bytes, low).unwrap_or(0);
    bytes.truncate(length);
    bytes
}
