"""Where a case is played: starts a program over a command, as process 1 or not, and tells what became of it."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import processes
from processes import until

PROBE = str(Path(__file__).with_name("probe.py"))
UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "TERM": "xterm",
}


class Wrong(Exception):
    """What a program did instead, in a few words."""


def expect(is_right, words):
    if not is_right:
        raise Wrong(words)


class Status:
    """How a process ended: what wait(2) tells."""

    def __init__(self, raw):
        self.dumped = os.WIFSIGNALED(raw) and os.WCOREDUMP(raw)
        self.signal = os.WTERMSIG(raw) if os.WIFSIGNALED(raw) else None
        self.code = os.WEXITSTATUS(raw) if os.WIFEXITED(raw) else None

    def __str__(self):
        if self.signal is not None:
            return f"died of {processes.name(self.signal)}"
        return f"status {self.code}"


class Stage:
    """One program, as process 1 or not, in a folder of its own, below a process that adopts all that is left."""

    def __init__(self, program, is_first, folder):
        self.program = program
        self.is_first = is_first
        self.patience = program.patience
        self.folder = Path(folder)
        self.log_file = self.folder / "log"
        self.program_folder = self.folder / "program"
        self.program_folder.mkdir()
        program.prepare(self.program_folder)

    def probe(self, verb, *arguments):
        """The command that does `verb` of probe.py, and tells it in the log."""
        words = [sys.executable, "-ISB", PROBE, verb, self.log_file, *arguments]
        return [str(word) for word in words]

    def log(self):
        """The lines that probes have written so far."""
        try:
            return self.log_file.read_text().splitlines()
        except FileNotFoundError:
            return []

    def told(self, line):
        """Waits for a line of the log."""
        found = until(lambda: line in self.log(), self.patience)
        expect(found, f"never {line}")

    def words(self, first):
        """What stands behind `first` in the log."""
        lines = (line.split(" ", 1) for line in self.log())
        return [line[1] for line in lines if line[0] == first]

    def command_line(self, command, prefix=(), **options):
        """What is typed to have the program over `command`."""
        line = self.program.arguments(self.program_folder, command, options, self.is_first)
        line = [*prefix, *line]
        if not self.is_first:
            return line
        own_users = ["--user", "--map-root-user"] if os.geteuid() != 0 else []
        return [*UNSHARE, *own_users, "--", *line]

    def start(self, command, prefix=(), ready=None, descriptors=None, environment=None, prepare=None, **options):
        """Starts the program over `command`, and waits until a probe has said `ready`, if that is given.

        `descriptors`: which of ours the process gets as which of its own; None closes. Output goes into files else.
        """
        line = self.command_line(command, prefix, **options)
        run = Run(self, line, descriptors or {}, environment or {}, prepare)
        if ready:
            self.told(ready)
        return run

    def run(self, command, **how):
        """Starts the program over `command` and waits for its end."""
        return self.start(command, **how).end()

    def left(self):
        """What lives on although the program has ended. Lets those that are dying go on to their end."""

        def living():
            return [pid for pid in processes.descendants(os.getpid()) if processes.state(pid) not in "ZX"]

        until(lambda: not living(), min(self.patience, 10))
        return [processes.command(pid) for pid in living()]

    def clear(self):
        """Kills and reaps all that is below this process."""
        while True:
            for pid in processes.descendants(os.getpid()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
                time.sleep(0.004)
            except ChildProcessError:
                return

    def restart(self):
        """Makes room for another start."""
        self.clear()
        self.log_file.unlink(missing_ok=True)


class Run:
    """A program that was started."""

    def __init__(self, stage, line, descriptors, environment, prepare):
        self.stage = stage
        self.outer = spawn(line, stage.folder, descriptors, {**ENVIRONMENT, **environment}, prepare)
        self.raw = None

    def pid(self):
        """The process of the program, once it runs."""
        if not self.stage.is_first:
            return self.outer
        unshare = os.path.realpath(shutil.which("unshare"))

        def inner():
            for pid in processes.children(self.outer):
                if processes.program(pid) not in ("", unshare):
                    return pid
            return None

        pid = until(inner, self.stage.patience)
        expect(pid, "does not start")
        return pid

    def child(self):
        """The command's process, once it is there: the first child of the program."""
        if not self.stage.program.stands_between:
            return self.pid()
        found = until(lambda: processes.children(self.pid()), self.stage.patience)
        expect(found, "starts no child")
        return found[0]

    def send(self, *signals):
        """Sends signals to the program."""
        pid = self.pid()
        for number in signals:
            try:
                os.kill(pid, number)
            except ProcessLookupError as error:
                raise Wrong(f"gone before {processes.name(number)}") from error

    def has_ended(self):
        if self.raw is None:
            pid, raw = os.waitpid(self.outer, os.WNOHANG)
            self.raw = raw if pid else None
        return self.raw is not None

    def end(self):
        """Waits for the end, and tells how it was."""
        expect(until(self.has_ended, self.stage.patience), "does not end")
        return Status(self.raw)

    def ends_as(self, code=None, signal=None):
        """Judges the end. Process 1, which cannot die of a signal, tells it as 128 + n; others die of the same."""
        try:
            judge(self.end(), self.stage.is_first, code, signal)
        except Wrong as wrong:
            said = self.errors().strip()
            raise Wrong(f"{wrong} ({said})" if said else str(wrong)) from wrong

    def output(self):
        """What it has written to standard output, where that is a file."""
        return (self.stage.folder / "output").read_text()

    def errors(self):
        """What it has written to standard error, where that is a file."""
        return (self.stage.folder / "errors").read_text()


def judge(status, is_first, code=None, signal=None):
    """See `Run.ends_as`."""
    if signal is None:
        expect(status.code == code, str(status))
    elif is_first:
        expect(status.code == 128 + signal, str(status))
    else:
        expect(status.signal == signal, str(status))


def spawn(line, folder, descriptors, environment, prepare=None):
    """Starts a command in a group of its own, with nothing inherited but what is named; gives its pid."""
    files = {
        0: os.open(os.devnull, os.O_RDONLY),
        1: os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        2: os.open(folder / "errors", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    }
    # Until it is executed, what comes must neither be lost nor handled by us.
    blocked = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    executed, running = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            become(line, folder, {**files, **descriptors}, environment, prepare)
        finally:
            os._exit(99)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    for number in (running, *files.values()):
        os.close(number)
    # It closes by execve(2), or by the end.
    os.read(executed, 1)
    os.close(executed)
    return pid


def become(line, folder, descriptors, environment, prepare=None):
    """The end of a forked process: it becomes a command that has inherited nothing unusual."""
    processes.reset_all()
    os.chdir(folder)
    # Away from the places that they are to have.
    moved = {place: os.dup2(number, 200 + place) for place, number in descriptors.items() if number is not None}
    for place in range(3):
        if place not in moved:
            os.close(place)
    for place, number in moved.items():
        os.dup2(number, place, inheritable=True)
    kept = [place for place, number in descriptors.items() if number is not None]
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and number not in kept:
            try:
                os.set_inheritable(number, False)
            except OSError:
                # The descriptor that reads the folder, which is closed by now.
                pass
    if prepare:
        prepare()
    os.execvpe(line[0], line, environment)
