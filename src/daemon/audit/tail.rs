//! The end of a file: the last line that is whole, and what stands behind it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use sha2::{Digest as _, Sha256};

use super::chain::{self, Digest, Head};
use super::line::Remains;

/// How far back a whole line is looked for, in bytes.
const WINDOW: u64 = 1 << 20;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// The end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// The last line that is whole.
    pub(super) head: Head,
    /// Where it ends, its line feed included.
    pub(super) end: u64,
}

/// Finds the last whole line of a file of `size` bytes.
///
/// # Errors
/// Those of pread(2).
pub(super) fn find(file: &File, size: u64) -> io::Result<Option<Tail>> {
    let start = size.saturating_sub(WINDOW);
    let mut window = vec![0; usize::try_from(size - start).unwrap_or_default()];
    file.read_exact_at(&mut window, start)?;
    let feeds = window.iter().enumerate().rev();
    let mut feeds = feeds
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at)
        .peekable();
    while let Some(end) = feeds.next() {
        let begin = match feeds.peek() {
            Some(before) => before + 1,
            None if start == 0 => 0,
            None => break,
        };
        if let Some(link) = chain::read(&window[begin..end]) {
            return Ok(Some(Tail {
                head: link.head(),
                end: start + end as u64 + 1,
            }));
        }
    }
    Ok(None)
}

/// Bytes that are no line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    /// How many, and their digest, with the line feed that they may lack.
    pub(super) remains: Remains,
    /// Whether there are line feeds in them: then they are more than a line that broke off.
    pub(super) has_lines: bool,
    /// Whether the line feed at their end has yet to be written.
    pub(super) lacks_feed: bool,
}

/// What stands between two places of a file.
///
/// # Errors
/// Those of pread(2).
pub(super) fn behind(file: &File, from: u64, to: u64) -> io::Result<Behind> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let (mut at, mut last, mut has_lines) = (from, 0, false);
    while at < to {
        let length = usize::try_from(to - at).map_or(CHUNK, |left| left.min(CHUNK));
        let chunk = &mut chunk[..length];
        file.read_exact_at(chunk, at)?;
        hasher.update(&*chunk);
        has_lines |= chunk.contains(&b'\n');
        last = chunk[length - 1];
        at += length as u64;
    }
    let lacks_feed = last != b'\n';
    if lacks_feed {
        hasher.update(b"\n");
    }
    Ok(Behind {
        remains: Remains {
            bytes: to - from + u64::from(lacks_feed),
            digest: Digest::finish(hasher),
        },
        has_lines,
        lacks_feed,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn line(seq: u64) -> Vec<u8> {
        let mut line = format!("{{\"seq\":{seq},\"time\":\"now\"").into_bytes();
        chain::seal(&mut line, Digest::default());
        line
    }

    fn found(parts: &[&[u8]]) -> Option<(u64, u64)> {
        let mut file = tempfile::tempfile().expect("a file");
        let bytes = parts.concat();
        file.write_all(&bytes).expect("written");
        let tail = find(&file, bytes.len() as u64).expect("read");
        tail.map(|tail| (tail.head.seq, tail.end))
    }

    #[test]
    fn the_last_whole_line_is_found() {
        let (one, two) = (&*line(1), &*line(2));
        let (first, second) = (one.len() as u64, (one.len() + two.len()) as u64);
        let zeroes = &*vec![0; 100_000];
        for (parts, expected) in [
            (&[][..], None),
            (&[&b"torn"[..]][..], None),
            (&[b"\n"], None),
            (&[b"else\n"], None),
            (&[one], Some((1, first))),
            (&[one, two], Some((2, second))),
            (&[one, two, b"torn"], Some((2, second))),
            (&[one, two, b"else\n"], Some((2, second))),
            (&[one, b"else\nmore\n\nto"], Some((1, first))),
            (&[one, &two[..two.len() - 1]], Some((1, first))),
            (&[one, two, zeroes], Some((2, second))),
            (&[one, two, &zeroes.repeat(11)], None),
        ] {
            assert_eq!(found(parts), expected, "{parts:?}");
        }
    }

    #[test]
    fn lines_are_found_behind_more_than_is_looked_at() {
        let filler = [&*vec![b'x'; 60_000], b"\n"].concat().repeat(30);
        let (one, two) = (line(1), line(2));
        let (_, end) = found(&[&filler, &one, &two, b"torn"]).expect("a line");
        assert_eq!(end, (filler.len() + one.len() + two.len()) as u64);
    }

    #[test]
    fn what_stands_behind_is_measured_with_its_line_feed() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"line\ntorn").expect("written");
        let torn = behind(&file, 5, 9).expect("read");
        assert!(torn.lacks_feed && !torn.has_lines);
        let expected = Remains {
            bytes: 5,
            digest: Digest::of(b"torn\n"),
        };
        assert_eq!(torn.remains, expected);
        let lines = behind(&file, 0, 5).expect("read");
        assert!(!lines.lacks_feed && lines.has_lines);
        assert_eq!(lines.remains.digest, Digest::of(b"line\n"));
    }
}
