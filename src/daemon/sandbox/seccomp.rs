//! Which system calls this process can still make: seccomp(2).
//!
//! What is listed here is what no daemon of this kind does, each a way to get at what belongs to others or to start
//! something. It is refused with an error, so that a library that tries and goes on can. A list of what is allowed would
//! be shorter, and break with the next C library; systemd's unit has one besides.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

use crate::sys::seccomp::expect_own_filter;

/// Calls that are refused whatever they ask for.
const REFUSED: &[c_long] = &[
    // Starting programs. Threads are started with clone(2), of which more below.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes: their memory, their descriptors, what they do.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // The kernel itself.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_syslog,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_nfsservctl,
    // What file systems and namespaces it sees.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_mknodat,
    // The kernel's keys.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Who it is.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_personality,
    // Ways around filters, and what attacks on the kernel are made with.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// Those that only this architecture has.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_mknod,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// Filters the system calls of all threads, for good.
pub(super) fn filter() -> Result<(), String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|_| "not on this kind of machine".to_owned())?;
    // What has to be asked of the kernel in a child is asked now, while there can be one.
    expect_own_filter();
    let programs = [refusals(arch), absences(arch)];
    for program in programs {
        let program = program.map_err(|error| error.to_string())?;
        apply_filter_all_threads(&program).map_err(|error| error.to_string())?;
    }
    #[cfg(target_arch = "x86_64")]
    apply_filter_all_threads(&foreign_calls()).map_err(|error| error.to_string())?;
    Ok(())
}

/// Refuses with EPERM. A call by another architecture's convention ends the process.
fn refusals(arch: TargetArch) -> Result<BpfProgram, seccompiler::BackendError> {
    let calls = REFUSED.iter().chain(REFUSED_HERE);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        calls.map(|call| (*call, Vec::new())).collect();
    // Nothing but what stays on this machine.
    let family = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Ne,
        libc::AF_UNIX as u64,
    )?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(vec![family])?]);
    // Threads, not processes: what the daemon may not become, it may not beget.
    let thread = libc::CLONE_THREAD as u64;
    let process = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(thread),
        0,
    )?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![process])?]);
    compile(rules, libc::EPERM, arch)
}

/// Has calls not be there: clone3(2), whose arguments no filter can see, so that the C library makes its threads by
/// clone(2).
fn absences(arch: TargetArch) -> Result<BpfProgram, seccompiler::BackendError> {
    let rules = [(libc::SYS_clone3, Vec::new())];
    compile(rules.into(), libc::ENOSYS, arch)
}

fn compile(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    errno: libc::c_int,
    arch: TargetArch,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let refuse = SeccompAction::Errno(errno as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
}

/// Has the calls of the x32 convention end the process: they have other numbers, and the architecture's own name.
#[cfg(target_arch = "x86_64")]
fn foreign_calls() -> BpfProgram {
    use seccompiler::sock_filter;

    /// `__X32_SYSCALL_BIT` of the kernel's `asm/unistd.h`.
    const FIRST_FOREIGN: u32 = 0x4000_0000;
    let statement = |code: u32, value: u32| sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k: value,
    };
    vec![
        // The number of the call is the first word of what a filter sees.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        sock_filter {
            jf: 1,
            ..statement(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, FIRST_FOREIGN)
        },
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_KILL_PROCESS),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ]
}

#[cfg(test)]
mod tests {
    use seccompiler::sock_filter;

    use super::*;

    /// What a filter says of a call: the few instructions that ours are made of (bpf(4)).
    fn judge(program: &[sock_filter], call: u32, arch: u32, argument: u64) -> u32 {
        let word = |offset: u32| match offset {
            0 => call,
            4 => arch,
            16 => argument as u32,
            20 => (argument >> 32) as u32,
            _ => 0,
        };
        let (mut place, mut accumulator) = (0, 0u32);
        loop {
            let sock_filter { code, jt, jf, k } = program[place];
            place += 1;
            let code = u32::from(code);
            let jump = |taken: bool| usize::from(if taken { jt } else { jf });
            match code {
                _ if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS => accumulator = word(k),
                _ if code == libc::BPF_ALU | libc::BPF_AND | libc::BPF_K => accumulator &= k,
                _ if code == libc::BPF_JMP | libc::BPF_JA => place += k as usize,
                _ if code == libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K => {
                    place += jump(accumulator == k);
                }
                _ if code == libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K => {
                    place += jump(accumulator >= k);
                }
                _ if code == libc::BPF_RET | libc::BPF_K => return k,
                _ => panic!("instruction {code:#x}"),
            }
        }
    }

    fn arch() -> (TargetArch, u32) {
        let arch = TargetArch::try_from(std::env::consts::ARCH).expect("a known one");
        // `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64` of linux/audit.h.
        let number = if cfg!(target_arch = "x86_64") {
            0xC000_003E
        } else {
            0xC000_00B7
        };
        (arch, number)
    }

    #[test]
    fn what_is_listed_is_refused_and_what_a_daemon_does_is_not() {
        let (target, number) = arch();
        let program = refusals(target).expect("it compiles");
        let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        let thread = (libc::CLONE_VM | libc::CLONE_THREAD) as u64;
        let judged = |call: c_long, argument: u64| judge(&program, call as u32, number, argument);
        for call in REFUSED.iter().chain(REFUSED_HERE) {
            assert_eq!(judged(*call, 0), refused, "{call}");
        }
        for (call, argument, expected) in [
            (libc::SYS_read, 0, libc::SECCOMP_RET_ALLOW),
            (libc::SYS_writev, 0, libc::SECCOMP_RET_ALLOW),
            (libc::SYS_accept4, 0, libc::SECCOMP_RET_ALLOW),
            (libc::SYS_memfd_secret, 0, libc::SECCOMP_RET_ALLOW),
            (libc::SYS_pidfd_open, 0, libc::SECCOMP_RET_ALLOW),
            (
                libc::SYS_socket,
                libc::AF_UNIX as u64,
                libc::SECCOMP_RET_ALLOW,
            ),
            (libc::SYS_socket, libc::AF_INET as u64, refused),
            (libc::SYS_socket, libc::AF_INET6 as u64, refused),
            (libc::SYS_socket, libc::AF_NETLINK as u64, refused),
            (libc::SYS_socket, libc::AF_PACKET as u64, refused),
            (libc::SYS_clone, thread, libc::SECCOMP_RET_ALLOW),
            (libc::SYS_clone, libc::SIGCHLD as u64, refused),
            (libc::SYS_clone, libc::CLONE_NEWUSER as u64, refused),
        ] {
            assert_eq!(judged(call, argument), expected, "{call} {argument:#x}");
        }
        let absent = absences(target).expect("it compiles");
        let enosys = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
        assert_eq!(judge(&absent, libc::SYS_clone3 as u32, number, 0), enosys);
    }

    #[test]
    fn foreign_conventions_are_deadly() {
        let (target, number) = arch();
        let program = refusals(target).expect("it compiles");
        for foreign in [0x4000_0003, 0x4000_0028, number ^ 1] {
            let verdict = judge(&program, libc::SYS_read as u32, foreign, 0);
            assert_eq!(verdict, libc::SECCOMP_RET_KILL_PROCESS, "{foreign:#x}");
        }
        #[cfg(target_arch = "x86_64")]
        for (call, expected) in [
            (libc::SYS_read as u32, libc::SECCOMP_RET_ALLOW),
            (
                libc::SYS_read as u32 | 0x4000_0000,
                libc::SECCOMP_RET_KILL_PROCESS,
            ),
            (520 | 0x4000_0000, libc::SECCOMP_RET_KILL_PROCESS),
        ] {
            assert_eq!(
                judge(&foreign_calls(), call, number, 0),
                expected,
                "{call:#x}"
            );
        }
    }
}
