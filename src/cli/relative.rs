//! Paths as a person at the working directory would write them.

use std::path::{Component, Path, PathBuf};

/// `path` from `working_directory`, where that is shorter; else as it is. Both are absolute.
///
/// The working directory is the one that the system tells, without links, so that each `..` leads to what stands before
/// it: the result opens the same file.
pub(super) fn relative_to(working_directory: &Path, path: &Path) -> PathBuf {
    let shared = working_directory
        .components()
        .zip(path.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = working_directory.components().count() - shared;
    let mut relative = PathBuf::new();
    relative.extend(std::iter::repeat_n(Component::ParentDir, up));
    relative.extend(path.components().skip(shared));
    if relative.as_os_str().is_empty() {
        return PathBuf::from(".");
    }
    // Without its slash, a path of the whole system would look like one of a project.
    if working_directory.parent().is_none() {
        return path.to_owned();
    }
    if relative.as_os_str().len() < path.as_os_str().len() {
        relative
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_where_that_is_shorter() {
        for (working_directory, path, expected) in [
            (
                "/home/me/web",
                "/home/me/web/environments/a.yaml",
                "environments/a.yaml",
            ),
            ("/home/me/web", "/home/me/web", "."),
            (
                "/home/me/web/src/api",
                "/home/me/web/environments",
                "../../environments",
            ),
            ("/home/me/web", "/etc/escrun", "/etc/escrun"),
            ("/home/me/web", "/home/me/website", "../website"),
            ("/", "/etc", "/etc"),
            ("/", "/", "."),
        ] {
            let relative = relative_to(Path::new(working_directory), Path::new(path));
            assert_eq!(
                relative,
                Path::new(expected),
                "{path} from {working_directory}"
            );
        }
    }
}
