//! The names of files that were rotated: `FILE.1` is the youngest, and the one with the highest number the oldest.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file of an audit that was rotated `number` times since.
pub(super) fn rotated(file: &Path, number: u32) -> PathBuf {
    with_suffix(file, &format!(".{number}"))
}

/// Where a file is begun that is to take the place of one.
pub(super) fn staged(file: &Path) -> PathBuf {
    with_suffix(file, ".new")
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(file);
    path.push(suffix);
    path.into()
}

/// Makes `FILE.1` free: each is moved on by one up to the first that is missing, and the one behind the last that is kept
/// is deleted.
///
/// A process that is killed meanwhile leaves a gap, which the next call fills.
///
/// # Errors
/// Those of rename(2) and unlink(2).
pub(super) fn make_room(file: &Path, keep: u32) -> io::Result<()> {
    let keep = keep.max(1);
    let is_free = |number: &u32| fs::symlink_metadata(rotated(file, *number)).is_err();
    let free = (1..keep).find(is_free).unwrap_or(keep);
    for number in (1..free).rev() {
        fs::rename(rotated(file, number), rotated(file, number + 1))?;
    }
    // More were kept before.
    for (number, path) in numbered(file)? {
        if number > keep {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The files of an audit that are there, the oldest first.
///
/// # Errors
/// Those of reading the folder.
pub fn files_of(file: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = numbered(file)?;
    files.sort_by(|one, other| other.cmp(one));
    let mut files: Vec<_> = files.into_iter().map(|(_, path)| path).collect();
    if file.exists() || files.is_empty() {
        files.push(file.to_owned());
    }
    Ok(files)
}

/// The files that were rotated, with their numbers, in no order.
pub(super) fn numbered(file: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Ok(Vec::new());
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(number) = number(&entry.file_name(), name) {
            files.push((number, rotated(file, number)));
        }
    }
    Ok(files)
}

/// The number in a file's name.
fn number(found: &OsStr, name: &OsStr) -> Option<u32> {
    let rest = found
        .as_encoded_bytes()
        .strip_prefix(name.as_encoded_bytes())?;
    let digits = str::from_utf8(rest.strip_prefix(b".")?).ok()?;
    let number: u32 = digits.parse().ok()?;
    // Not `.01` and `.+1`.
    (number > 0 && number.to_string() == digits).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in each file after room has been made; files are named by their numbers and hold them.
    fn after(there: &[u32], keep: u32) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("audit");
        for other in ["audit.01", "audit.x", "audit.new", "audit-1", "auditor.1"] {
            fs::write(folder.path().join(other), "").expect("written");
        }
        for number in there {
            fs::write(rotated(&file, *number), number.to_string()).expect("written");
        }
        make_room(&file, keep).expect("moved");
        fs::write(&file, "0").expect("written");
        let files = files_of(&file).expect("read");
        let told = files.iter().map(|path| {
            let name = path.extension().unwrap_or_default().to_string_lossy();
            format!("{name}:{}", fs::read_to_string(path).expect("read"))
        });
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn files_move_on_by_one() {
        for (there, keep, expected) in [
            (&[][..], 3, ":0"),
            (&[1], 3, "2:1 :0"),
            (&[1, 2], 3, "3:2 2:1 :0"),
            (&[1, 2, 3], 3, "3:2 2:1 :0"),
            (&[1, 2, 3, 4, 9], 3, "3:2 2:1 :0"),
            // Killed in the middle.
            (&[2, 3], 3, "3:3 2:2 :0"),
            (&[1, 3], 3, "3:3 2:1 :0"),
            (&[1, 2, 10], 20, "10:10 3:2 2:1 :0"),
            (&[1, 2], 1, "1:1 :0"),
            (&[1, 2], 0, "1:1 :0"),
        ] {
            assert_eq!(after(there, keep), expected, "{there:?}, {keep}");
        }
    }
}
