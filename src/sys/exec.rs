//! execve(2), and what can be asked before it.

use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use super::limit::{Resource, UNLIMITED};
use super::region::page_size;

/// Becomes this very program again, by what it was started from, with these arguments (the first is its name) and
/// environment. Everything else stays as it is: descriptors that are to be inherited, the mask, umask and limits. Returns
/// only if it failed.
pub fn reenter(arguments: &[&CStr], environment: &[&CStr]) -> io::Error {
    let arguments = pointers(arguments);
    let environment = pointers(environment);
    // What is started stays the same when the file was replaced meanwhile; where /proc is not mounted, there is only
    // the name that the kernel remembers.
    // SAFETY: both arrays end with a null pointer, and they and the strings live through the calls.
    unsafe {
        libc::execve(
            c"/proc/self/exe".as_ptr(),
            arguments.as_ptr(),
            environment.as_ptr(),
        );
        let error = io::Error::last_os_error();
        #[cfg(target_os = "linux")]
        {
            let path = libc::getauxval(libc::AT_EXECFN) as *const libc::c_char;
            if !path.is_null() {
                libc::execve(path, arguments.as_ptr(), environment.as_ptr());
            }
        }
        error
    }
}

/// What this very program can be started from once more. It stays the same when the file was replaced meanwhile, but for
/// where /proc is not mounted: there is only the name that the kernel remembers.
pub fn own_program() -> CString {
    let own = c"/proc/self/exe";
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the strings live through the calls; the kernel's own is there as long as the process is.
        unsafe {
            let remembered = libc::getauxval(libc::AT_EXECFN) as *const libc::c_char;
            if libc::access(own.as_ptr(), libc::F_OK) != 0 && !remembered.is_null() {
                return CStr::from_ptr(remembered).to_owned();
            }
        }
    }
    own.to_owned()
}

/// Pointers to the strings and the null pointer that ends them.
fn pointers(strings: &[&CStr]) -> Vec<*const libc::c_char> {
    let pointers = strings.iter().map(|string| string.as_ptr());
    pointers.chain([ptr::null()]).collect()
}

/// Asks whether this process could execute `path`: a regular file, with the right to execute it.
///
/// # Errors
/// Those of stat(2) and faccessat(2); EACCES for what is no regular file, as execve(2) has it.
pub fn check_executable(path: &Path) -> io::Result<()> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    let path = CString::new(path.as_os_str().as_bytes())?;
    // execve(2) goes by the effective ids, access(2) by the real ones.
    // SAFETY: the string lives through the call.
    let result =
        unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::X_OK, libc::AT_EACCESS) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// How much execve(2) takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One argument or one `NAME=value`, its closing NUL included (MAX_ARG_STRLEN).
    pub string: usize,
    /// All arguments, variables and the path, with their closing NULs and a pointer for each argument and variable.
    pub total: usize,
}

impl Limits {
    /// What holds with this soft limit of the stack (in bytes), or with that of this process: execve(2), "Limits on size of
    /// arguments and environment".
    pub fn with_stack(limit: Option<u64>) -> Self {
        let now = || {
            Resource::STACK
                .limit()
                .map_or(UNLIMITED, |limit| limit.soft)
        };
        let stack = usize::try_from(limit.unwrap_or_else(now)).unwrap_or(usize::MAX);
        let page = page_size();
        if cfg!(target_os = "linux") {
            // A quarter of the stack, but neither more than three quarters of the kernel's own default of 8 MiB nor less
            // than 32 pages.
            Self {
                string: 32 * page,
                total: (stack / 4).clamp(128 << 10, 6 << 20),
            }
        } else {
            // SAFETY: takes and gives numbers only.
            let total = unsafe { libc::sysconf(libc::_SC_ARG_MAX) };
            let total = usize::try_from(total).unwrap_or(usize::MAX);
            Self {
                string: total,
                total,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_executable_files_are_executable() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let check = |mode: u32| {
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("a mode");
            check_executable(&file).map_err(|error| error.raw_os_error())
        };
        assert_eq!(check(0o755), Ok(()));
        assert_eq!(check(0o644), Err(Some(libc::EACCES)));
        let kind = |path: &Path| check_executable(path).map_err(|error| error.raw_os_error());
        assert_eq!(kind(folder.path()), Err(Some(libc::EACCES)));
        assert_eq!(kind(&folder.path().join("no")), Err(Some(libc::ENOENT)));
        assert_eq!(kind(&file.join("no")), Err(Some(libc::ENOTDIR)));
    }
}
