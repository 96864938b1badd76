"""A person at a terminal: types, reads, and sees what stands in the foreground."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

import processes
from processes import until
from stage import ENVIRONMENT, Wrong, become, expect

# What a shell shows when it waits for a command: the status of the last one, in a form that nobody types.
PROMPT = re.compile(rb"<<(\d+)>> \Z")
PS1 = "<<$?>> "


class Person:
    """Sits at a new terminal, at which a command runs that leads its session."""

    def __init__(self, stage, line, environment=None):
        self.stage = stage
        self.seen = b""
        self.person, terminal = pty.openpty()
        self.resize(80, 24)
        blocked = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
                streams = {0: terminal, 1: terminal, 2: terminal}
                become(line, stage.folder, streams, {**ENVIRONMENT, "PS1": PS1, **(environment or {})})
            finally:
                os._exit(99)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(terminal)

    def resize(self, columns, lines):
        fcntl.ioctl(self.person, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text):
        os.write(self.person, text.encode())

    def line(self, text):
        """Types a line once the shell asks for one, and forgets what was seen before."""
        self.seen = b""
        self.type(text + "\n")

    def read(self, found, what):
        """Reads until `found(seen)`."""
        deadline = time.monotonic() + self.stage.patience
        while not (result := found(self.seen)):
            left = deadline - time.monotonic()
            expect(left > 0, f"never {what}")
            if select.select([self.person], [], [], left)[0]:
                try:
                    self.seen += os.read(self.person, 65536)
                except OSError as error:
                    raise Wrong(f"hung up before {what}") from error
        return result

    def expect(self, text):
        """Reads until a text has come."""
        self.read(lambda seen: text.encode() in seen, repr(text))

    def prompt(self, *statuses):
        """Reads until the shell asks for a line, the last one having had one of these statuses."""
        found = int(self.read(PROMPT.search, "a prompt")[1])
        expect(not statuses or found in statuses, f"status {found}, not {' or '.join(map(str, statuses))}")

    def foreground(self, command):
        """Waits until a command of this name stands in the foreground; gives its process."""

        def standing():
            group = os.tcgetpgrp(self.person)
            for pid in processes.descendants(self.pid):
                fields = processes.stat(pid)
                if fields and fields[0] in "SR" and int(fields[2]) == group and processes.command(pid) == command:
                    return pid
            return None

        pid = until(standing, self.stage.patience)
        expect(pid, f"{command} never in the foreground")
        return pid

    def stands_in_front(self):
        """Judges whether the shell has its terminal back."""
        front = until(lambda: os.tcgetpgrp(self.person) == os.getpgid(self.pid), self.stage.patience)
        expect(front, "the shell is not in the foreground")


def shell(stage, interpreter=("bash", "--noprofile", "--norc", "--noediting", "-i")):
    """A person at an interactive shell, where `x` starts the program over a command; has seen its prompt."""
    script = stage.folder / "bin" / "x"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\n{wrapper(stage)}\n")
    script.chmod(0o755)
    person = Person(stage, list(interpreter), {"PATH": f"{script.parent}:{ENVIRONMENT['PATH']}"})
    person.prompt()
    return person


def wrapper(stage):
    """The line of sh that becomes the program over what sh was given."""
    mark = "COMMAND"
    words = stage.program.arguments(stage.program_folder, [mark], {}, False)
    return "exec " + " ".join('"$@"' if word == mark else f"'{word}'" for word in words)
