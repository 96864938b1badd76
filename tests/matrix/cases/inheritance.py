"""What the command finds when it starts."""

import os
import signal
import socket

import processes
from cases import case
from cases.forwarding import names
from stage import Wrong, expect


def own_status(stage, **how):
    """The command's own /proc/self/status."""
    # Not by a probe: Python itself ignores signals.
    run = stage.start(["cat", "/proc/self/status"], **how)
    run.ends_as(code=0)
    return dict(line.split(":\t", 1) for line in run.output().splitlines() if ":\t" in line)


def signals_in(mask):
    return [number for number in range(1, processes.LAST + 1) if int(mask, 16) >> (number - 1) & 1]


@case()
def no_signal_is_blocked(stage):
    """the command's signal mask is empty"""
    blocked = signals_in(own_status(stage)["SigBlk"])
    expect(not blocked, f"{names(blocked)} blocked")


@case()
def no_signal_is_ignored(stage):
    """no signal is ignored, PIPE neither"""
    ignored = signals_in(own_status(stage)["SigIgn"])
    expect(not ignored, f"{names(ignored)} ignored")


@case()
def signals_that_were_ignored_stay_so(stage):
    """what the caller ignored, HUP as by nohup(1) and CHLD, the command ignores"""
    signals = [signal.SIGHUP, signal.SIGCHLD]
    status = own_status(stage, prefix=stage.probe("ignoring", *map(int, signals)))
    ignored = signals_in(status["SigIgn"])
    expect(ignored == signals, f"{names(ignored) or 'nothing'} ignored")


@case()
def the_umask_is_the_callers(stage):
    """the umask is the caller's"""
    umask = own_status(stage, prepare=lambda: os.umask(0o027))["Umask"].strip()
    expect(umask == "0027", umask)


@case()
def privileges_are_the_callers(stage):
    """no_new_privs and seccomp filters are not imposed on it"""
    status = own_status(stage)
    expect(status["NoNewPrivs"].strip() == "0", "no_new_privs")
    expect(status["Seccomp"].strip() == "0", "a seccomp filter")


@case()
def the_command_leads_a_group(stage):
    """the command leads a process group of its own, in the session of the caller"""
    run = stage.start(stage.probe("identity"), ready="ready")
    run.end()
    (pid,), (group,), (session,) = (stage.words(word) for word in ("pid", "group", "session"))
    expect(group == pid, "no group of its own")
    # Seen from a namespace of its own, the session of the caller has no number.
    expect(session == ("0" if stage.is_first else str(os.getsid(0))), "a session of its own")


@case()
def standard_input_is_handed_on(stage):
    """the command reads what the caller writes"""
    reader, writer = os.pipe()
    run = stage.start(["cat"], descriptors={0: reader})
    os.close(reader)
    os.write(writer, b"hello\n")
    os.close(writer)
    run.ends_as(code=0)
    expect(run.output() == "hello\n", "cannot read it")


@case()
def nothing_else_is_open(stage):
    """standard streams are all that is open"""
    stage.run(stage.probe("descriptors"), ready="ready")
    more = [line.split(" ", 1)[1] for line in stage.words("open") if line.split()[0] not in "012"]
    expect(not more, f"{', '.join(more)} open")


@case()
def sockets_of_a_manager_are_handed_on(stage):
    """descriptors that a service manager passes are there, and LISTEN_PID names the command"""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0matrix-{os.getpid()}")
    prefix = stage.probe("named")
    run = stage.start(stage.probe("identity"), prefix=prefix, descriptors={3: listener.fileno()}, ready="ready")
    run.end()
    expect(stage.words("LISTEN_FDS") == ["1"], "no LISTEN_FDS")
    expect(stage.words("LISTEN_PID") == stage.words("pid"), "LISTEN_PID is another")


@case()
def descriptors_are_handed_on(stage):
    """an open descriptor of the caller is open in the command"""
    reader, writer = os.pipe()
    run = stage.start(["sh", "-c", "echo hello >&5"], descriptors={5: writer})
    os.close(writer)
    run.ends_as(code=0)
    expect(os.read(reader, 100) == b"hello\n", "closed")


@case()
def the_watchdog_names_the_command(stage):
    """WATCHDOG_PID of a service manager names the command"""
    run = stage.start(stage.probe("identity"), prefix=stage.probe("named"), ready="ready")
    run.end()
    expect(stage.words("WATCHDOG_PID") == stage.words("pid"), "WATCHDOG_PID is another")


@case()
def the_manager_hears_the_command(stage):
    """NOTIFY_SOCKET is there, and what the command says comes to it"""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.settimeout(stage.patience)
    address = stage.folder / "notify"
    manager.bind(str(address))
    run = stage.start(stage.probe("notify"), environment={"NOTIFY_SOCKET": str(address)})
    said = []
    try:
        # The program may have something to say itself.
        while not any(b"READY=1" in message for message in said):
            said.append(manager.recv(1000))
    except TimeoutError:
        raise Wrong(f"not heard, but {said}") from None
    run.ends_as(code=0)


@case()
def a_closed_input_stays_harmless(stage):
    """with standard input closed, the command finds nothing of the program's own there"""
    run = stage.start(stage.probe("descriptors"), descriptors={0: None}, ready="ready")
    run.ends_as(code=0)
    found = [line.split(" ", 1)[1] for line in stage.words("open") if line.startswith("0 ")]
    # Python opens nothing in its place; the null device is as good as nothing.
    expect(not found or found == [os.devnull], f"{found} open")


@case()
def a_closed_output_stays_harmless(stage):
    """with standard output and errors closed, the command runs and finds nothing of the program's own there"""
    run = stage.start(stage.probe("descriptors"), descriptors={1: None, 2: None}, ready="ready")
    run.ends_as(code=0)
    found = [line.split(" ", 1)[1] for line in stage.words("open") if line[0] in "12"]
    expect(set(found) <= {os.devnull}, f"{found} open")
