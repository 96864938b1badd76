//! Pages that hold secrets, straight from the kernel, protected as well as it allows.

use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, Ordering};

/// How well pages are protected, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Protection {
    /// memfd_secret(2): not swapped, not dumped, and not even readable through the kernel.
    Secret,
    /// mlock(2): not swapped, and not dumped where madvise(2) can say so.
    Locked,
    /// May be swapped.
    Ordinary,
}

/// The weakest protection that any region had to be content with.
static WEAKEST: AtomicU8 = AtomicU8::new(Protection::Secret as u8);

/// Whether some region could not be locked.
pub(super) fn degraded() -> bool {
    WEAKEST.load(Ordering::Relaxed) == Protection::Ordinary as u8
}

/// Whole pages of zeroes, private to this process: not even its forked children have them.
pub(super) struct Region {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: a region is memory and nothing else; it belongs to whoever holds it, on any thread.
unsafe impl Send for Region {}

impl Region {
    /// Maps at least `size` bytes, which is not zero.
    ///
    /// # Errors
    /// When there is not even ordinary memory.
    pub(super) fn map(size: usize) -> io::Result<Self> {
        let size = size
            .checked_next_multiple_of(page_size())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let (start, protection) = match map_secret(size) {
            Ok(start) => (start, Protection::Secret),
            Err(_) => {
                let start = map_anonymous(size)?;
                // SAFETY: these are our pages; locking changes nothing that a program can see.
                let locked = unsafe { libc::mlock(start.as_ptr().cast(), size) } == 0;
                let protection = if locked {
                    Protection::Locked
                } else {
                    Protection::Ordinary
                };
                (start, protection)
            }
        };
        // Each is worth having by itself, and none decides whether a secret can be held at all.
        #[cfg(target_os = "linux")]
        for advice in [libc::MADV_DONTDUMP, libc::MADV_DONTFORK] {
            // SAFETY: these are our pages; the advice does not change what they hold.
            unsafe { libc::madvise(start.as_ptr().cast(), size, advice) };
        }
        WEAKEST.fetch_max(protection as u8, Ordering::Relaxed);
        Ok(Self { start, size })
    }

    /// The first byte.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// The size in bytes, a multiple of the page size.
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: this was mapped by `map` with this size, and nobody has a block in it any more. What it held was wiped
        // block by block.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.size) };
    }
}

/// Lets the pages that hold `bytes` exist in forked children as well.
///
/// # Errors
/// Those of madvise(2).
pub(super) fn keep_on_fork(bytes: &[u8]) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if !bytes.is_empty() {
        let address = bytes.as_ptr() as usize;
        let lead = address % page_size();
        // SAFETY: only whole pages of a region that holds `bytes`; the advice does not change what they hold.
        let result = unsafe {
            let page = bytes.as_ptr().sub(lead).cast_mut();
            libc::madvise(page.cast(), lead + bytes.len(), libc::MADV_DOFORK)
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The size of a page in bytes.
pub(super) fn page_size() -> usize {
    // SAFETY: takes and gives numbers only.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).expect("the page size is always known and positive")
}

/// Private pages of ordinary memory.
fn map_anonymous(size: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: a new mapping, where the kernel likes, touches nothing that exists.
    unsafe { map(size, libc::MAP_PRIVATE | libc::MAP_ANON, -1) }
}

/// Private address space that becomes memory as it is touched.
pub(super) fn map_reserved(size: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
    // SAFETY: a new mapping, where the kernel likes, touches nothing that exists.
    unsafe { map(size, flags, -1) }
}

/// Maps readable and writable pages of `descriptor`, or of none.
///
/// # Safety
/// `flags` must not ask for a fixed place.
unsafe fn map(size: usize, flags: libc::c_int, descriptor: libc::c_int) -> io::Result<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: without a fixed place (the caller's promise), no existing mapping is touched.
    let start = unsafe { libc::mmap(ptr::null_mut(), size, access, flags, descriptor, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

/// Pages by memfd_secret(2).
#[cfg(target_os = "linux")]
fn map_secret(size: usize) -> io::Result<NonNull<u8>> {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    if !super::seccomp::lets_memfd_secret_be_tried() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    if !may_be_as_long(size) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let length = libc::off_t::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // The flag is O_CLOEXEC; FD_CLOEXEC, which some manuals name, is refused.
    // SAFETY: takes numbers only; the result is a new descriptor, or an error.
    let file = unsafe {
        let number = libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC);
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(number as libc::c_int)
    };
    // SAFETY: the descriptor is ours and open.
    if unsafe { libc::ftruncate(file.as_raw_fd(), length) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // The mapping stays when the descriptor is closed, and without one nobody can reach the pages through /proc.
    // SAFETY: a new mapping, where the kernel likes.
    unsafe { map(size, libc::MAP_SHARED, file.as_raw_fd()) }
}

/// Whether this process may have a file of `size` bytes. The kernel counts memfd_secret(2)'s as any other, and SIGXFSZ,
/// which comes with the error, is deadly.
#[cfg(target_os = "linux")]
fn may_be_as_long(size: usize) -> bool {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit is ours.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) } == 0;
    known && u64::try_from(size).is_ok_and(|size| size <= limit.rlim_cur)
}

#[cfg(not(target_os = "linux"))]
fn map_secret(_size: usize) -> io::Result<NonNull<u8>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_whole_pages_of_zeroes() {
        let region = Region::map(1).expect("a page");
        assert_eq!(region.size(), page_size());
        // SAFETY: the region is ours alone, and mapped over its size.
        let bytes = unsafe { std::slice::from_raw_parts(region.start().as_ptr(), region.size()) };
        assert!(bytes.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_cannot_be_had_is_an_error() {
        assert!(Region::map(usize::MAX).is_err());
        assert!(Region::map(usize::MAX / 4).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_region_is_in_no_core_dump_and_no_child() {
        let region = Region::map(1).expect("a page");
        let address = format!("{:x}-", region.start().as_ptr() as usize);
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("this process's mappings");
        let flags = maps
            .lines()
            .skip_while(|line| !line.starts_with(&address))
            .find_map(|line| line.strip_prefix("VmFlags: "))
            .expect("the region's own entry");
        for flag in ["dd", "dc"] {
            assert!(flags.split(' ').any(|set| set == flag), "{flag} in {flags}");
        }
    }
}
