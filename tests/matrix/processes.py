"""What the kernel says of processes and signals. Linux only: /proc is read as proc(5) describes it."""

import ctypes
import os
import platform
import signal
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# The C library keeps signals 32 and 33 to itself, so these calls are made without it.
RT_SIGACTION, RT_SIGPROCMASK, RT_SIGTIMEDWAIT = {"x86_64": (13, 14, 128)}.get(platform.machine(), (134, 135, 137))
KERNEL_SIGACTION_BYTES = 32
SIGINFO_BYTES = 128

# Signals that nobody can catch.
UNCATCHABLE = {int(signal.SIGKILL), int(signal.SIGSTOP)}
STOPPING = {int(signal.SIGSTOP), int(signal.SIGTSTP), int(signal.SIGTTIN), int(signal.SIGTTOU)}
# What the kernel sends a process for a fault of its own.
SYNCHRONOUS = [
    int(number)
    for number in (
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGABRT,
        signal.SIGTRAP,
        signal.SIGSYS,
    )
]
# Their default is to be ignored.
HARMLESS = {int(signal.SIGCHLD), int(signal.SIGCONT), int(signal.SIGURG), int(signal.SIGWINCH)}
# The C library's own: threads cancel and change users by them.
RESERVED = {32, 33}
FIRST_REAL_TIME, LAST = 34, 64


def name(number):
    """TERM, RTMIN+1, or the number where nobody gave it a name."""
    if number > FIRST_REAL_TIME:
        return f"RTMIN+{number - FIRST_REAL_TIME}"
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)


def prctl(option, value):
    if LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def block_all():
    """Blocks every signal of this thread, also those that the C library leaves out."""
    every = ctypes.c_uint64(0xFFFF_FFFF_FFFF_FFFF)
    LIBC.syscall(RT_SIGPROCMASK, signal.SIG_SETMASK, ctypes.byref(every), None, 8)


def reset_all():
    """Gives every signal its default and blocks none. posix_spawn(3) leaves 32 and 33 ignored."""
    default = ctypes.create_string_buffer(KERNEL_SIGACTION_BYTES)
    for number in set(range(1, LAST + 1)) - UNCATCHABLE:
        LIBC.syscall(RT_SIGACTION, number, default, None, 8)
    LIBC.syscall(RT_SIGPROCMASK, signal.SIG_SETMASK, ctypes.byref(ctypes.c_uint64(0)), None, 8)


def next_signal():
    """Waits for a blocked signal, and gives its number."""
    every = ctypes.c_uint64(0xFFFF_FFFF_FFFF_FFFF)
    information = ctypes.create_string_buffer(SIGINFO_BYTES)
    while True:
        number = LIBC.syscall(RT_SIGTIMEDWAIT, ctypes.byref(every), information, None, 8)
        if number > 0:
            return number


def status(pid):
    """The fields of /proc/PID/status; empty if there is no such process."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            lines = (line.split(":", 1) for line in file)
            return {key: value.strip() for key, value in lines}
    except (FileNotFoundError, ProcessLookupError):
        return {}


def stat(pid):
    """The fields of /proc/PID/stat behind the name, the state first; empty if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def state(pid):
    """R, S, T, Z and so on; X if there is no such process."""
    return (stat(pid) or ["X"])[0]


def signals(pid, field):
    """A set of signals in /proc/PID/status: SigBlk, SigIgn, SigCgt."""
    mask = int(status(pid).get(field, "0"), 16)
    return {number for number in range(1, LAST + 1) if mask >> (number - 1) & 1}


def command(pid):
    return status(pid).get("Name", "")


def program(pid):
    """The file that it runs, or nothing."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def arguments(pid):
    """What it was started with, the name of its program first."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def parents():
    """The parent of every process."""
    pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    found = ((pid, stat(pid)) for pid in pids)
    return {pid: int(fields[1]) for pid, fields in found if fields}


def children(pid):
    """Its children, oldest first, zombies too."""
    found = [child for child, parent in parents().items() if parent == pid]
    # Numbers come round again; the time of the start (field 22 of proc(5)) does not.
    return sorted(found, key=lambda child: (int((stat(child) or [0] * 20)[19]), child))


def descendants(pid):
    """Its children, their children and so on, zombies too."""
    below = {}
    for child, parent in parents().items():
        below.setdefault(parent, []).append(child)
    found, rest = [], [pid]
    while rest:
        new = below.get(rest.pop(), [])
        found += new
        rest += new
    return found


def cpu_ticks(pid):
    """User and system time, in clock ticks."""
    fields = stat(pid)
    return int(fields[11]) + int(fields[12])


def until(condition, seconds):
    """Waits until `condition()` holds, and gives what it gave; after `seconds` whatever it gives then."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.004)
