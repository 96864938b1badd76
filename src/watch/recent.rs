//! Whether files have changed while nobody watched them.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// File systems stamp with a clock that lags behind by up to a tick, which is at most 10 ms.
const LAG: Duration = Duration::from_millis(20);

/// Whether something at one of `paths` may have changed at or after `since`. Rather says so once too often: for what is
/// missing, a change beside it counts.
pub fn changed_since<'a>(paths: impl IntoIterator<Item = &'a Path>, since: SystemTime) -> bool {
    let since = since.checked_sub(LAG).unwrap_or(since);
    paths.into_iter().any(|path| {
        let link = path.symlink_metadata();
        let file = path.metadata();
        if let (Ok(link), Ok(file)) = (&link, &file) {
            return is_recent(link, since) || is_recent(file, since);
        }
        let above = path.ancestors().skip(1);
        let nearest = above.filter_map(|folder| folder.metadata().ok()).next();
        nearest.is_some_and(|folder| is_recent(&folder, since))
            || link.is_ok_and(|link| is_recent(&link, since))
    })
}

/// By the time that no program can set (inode(7): ctime).
fn is_recent(metadata: &Metadata, since: SystemTime) -> bool {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or(0);
    let nanoseconds = u64::try_from(metadata.ctime_nsec()).unwrap_or(0);
    let changed = Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds);
    since
        .duration_since(SystemTime::UNIX_EPOCH)
        .is_ok_and(|since| changed >= since)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn recent_changes_are_seen_afterwards() {
        let scratch = tempfile::tempdir().expect("a folder");
        let file = scratch.path().join("file");
        let missing = scratch.path().join("none/at/all");
        fs::write(&file, "1").expect("a file");
        let stamp = |path: &Path| {
            let metadata = path.metadata().expect("metadata");
            let seconds = Duration::from_secs(metadata.ctime() as u64);
            SystemTime::UNIX_EPOCH + seconds + Duration::from_nanos(metadata.ctime_nsec() as u64)
        };
        let (file_time, folder_time) = (stamp(&file), stamp(scratch.path()));
        assert!(changed_since([&*file], file_time));
        assert!(!changed_since([&*file], file_time + Duration::from_secs(1)));
        assert!(changed_since([&*missing], folder_time));
        assert!(!changed_since(
            [&*missing],
            folder_time + Duration::from_secs(1)
        ));
        assert!(!changed_since([], SystemTime::UNIX_EPOCH));
    }
}
