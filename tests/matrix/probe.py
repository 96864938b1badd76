"""Children for the matrix: `python3 probe.py VERB LOG [ARG]…` does one thing, and LOG tells what happens to it."""

import os
import signal
import socket
import sys
import time

LOG = sys.argv[2]


def tell(line):
    """Adds a line; one write, so that lines of several processes never mix."""
    file = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def pause():
    """For longer than any case takes."""
    time.sleep(100_000)


def alone(work):
    """Does `work` in a child of its own session that no polite signal ends; returns once it has begun."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        os.close(reader)
        os.write(writer, b"x")
        os.close(writer)
        work()
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)


def record(label="child"):
    """Tells every signal that comes, and never ends."""
    import processes

    processes.block_all()
    tell(f"ready {label}")
    while True:
        tell(f"{label} {processes.next_signal()}")


def family():
    """A child and a grandchild of one group that both record."""
    if os.fork() == 0:
        record("grandchild")
    record("child")


def slow(milliseconds):
    """Starts to listen late; what came before waits."""
    import processes

    processes.block_all()
    tell("begun")
    time.sleep(int(milliseconds) / 1000)
    record()


def orphans(count, batches):
    """Gives birth to orphans, all of which die at once, `batches` times."""
    tell("ready")
    for batch in range(int(batches)):
        reader, writer = os.pipe()
        born, birth = os.pipe()
        parent = os.fork()
        if parent == 0:
            os.close(writer)
            for _ in range(int(count)):
                if os.fork() == 0:
                    os.close(birth)
                    os.read(reader, 1)
                    os._exit(0)
            os._exit(0)
        os.close(reader)
        os.close(birth)
        os.waitpid(parent, 0)
        os.read(born, 1)
        os.close(born)
        tell(f"born {batch}")
        while os.path.exists(f"{LOG}.hold"):
            time.sleep(0.004)
        os.close(writer)
        tell(f"died {batch}")
    pause()


def ignore(*numbers):
    for number in numbers:
        signal.signal(int(number), signal.SIG_IGN)
    tell("ready")
    pause()


def clan():
    """Ends of SIGTERM, and leaves somebody who does not."""
    alone(pause)
    tell("ready")
    pause()


def leave(code):
    """Ends at once, and leaves somebody behind."""
    alone(pause)
    tell("ready")
    os._exit(int(code))


def fork_away():
    """Ends well before its child, which ends badly."""
    if os.fork() == 0:
        tell("ready")
        time.sleep(0.3)
        os._exit(5)
    os._exit(0)


def daemonize():
    """As daemon(7) has it, in the old way."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(null, number)
            tell("ready")
            pause()
        os._exit(0)
    os.wait()
    os._exit(0)


def graceful(milliseconds, code):
    """Takes its time to end."""

    def end(*_):
        tell("stopping")
        time.sleep(int(milliseconds) / 1000)
        os._exit(int(code))

    signal.signal(signal.SIGTERM, end)
    tell("ready")
    while True:
        signal.pause()


def close(*numbers):
    for number in numbers:
        os.close(int(number))
    tell("ready")
    pause()


def descriptors():
    """Tells each open descriptor and what it is."""
    for number in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            tell(f"open {number} {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            # The one that read the folder.
            pass
    tell("ready")


def identity():
    """Tells who it is, and what its environment says of that."""
    for name in ("LISTEN_FDS", "LISTEN_PID", "WATCHDOG_PID"):
        tell(f"{name} {os.environ.get(name, '-')}")
    tell(f"pid {os.getpid()}")
    tell(f"group {os.getpgid(0)}")
    tell(f"session {os.getsid(0)}")
    tell("ready")


def notify():
    """Says READY=1, as sd_notify(3) does."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    address = os.environ["NOTIFY_SOCKET"]
    # The abstract namespace of unix(7).
    peer.sendto(b"READY=1", "\0" + address[1:] if address[0] == "@" else address)
    tell("ready")


def resized():
    """Tells the size of its terminal whenever that changes."""

    def tell_size(*_):
        size = os.get_terminal_size(0)
        tell(f"size {size.columns}x{size.lines}")

    signal.signal(signal.SIGWINCH, tell_size)
    tell("ready")
    while True:
        signal.pause()


def pend(number, *command):
    """Becomes a command for which a signal already waits."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [int(number)])
    os.kill(os.getpid(), int(number))
    os.execvp(command[0], command)


def ignoring(*words):
    """Becomes a command that ignores the signals whose numbers stand before it, and no other."""
    import processes

    numbers = [word for word in words if word.isdigit()]
    # Python itself ignores some.
    processes.reset_all()
    for number in numbers:
        signal.signal(int(number), signal.SIG_IGN)
    command = words[len(numbers) :]
    os.execvp(command[0], command)


def named(*command):
    """Becomes a command whose environment names its own process, as a service manager's does."""
    os.environ["LISTEN_PID"] = os.environ["WATCHDOG_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = "1"
    os.environ["WATCHDOG_USEC"] = "60000000"
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    globals()[sys.argv[1]](*sys.argv[3:])
