"""At a terminal, below an interactive shell: what a person expects of keys and jobs."""

import os
import sys

import processes
from cases import case
from processes import until
from stage import Status, expect, judge
from terminal import Person, shell

INTERRUPT, QUIT, SUSPEND, END = "\x03", "\x1c", "\x1a", "\x04"
# A shell tells 128 + n; process 1 as well.
INTERRUPTED, ABORTED = 130, 131
SUSPENDED = (128 + 20, 128 + 19)


def prompt_after(person, key, *statuses):
    person.seen = b""
    person.type(key)
    person.prompt(*statuses)


@case(places=("child",))
def ctrl_c_ends_the_command(stage):
    """Ctrl-C ends cat, sleep and python3; the shell sees that they were interrupted, and has its terminal back"""
    person = shell(stage)
    for line, command in (
        ("x cat", "cat"),
        ("x sleep 1000", "sleep"),
        (f"x {sys.executable} -ISc 'input()'", processes.command(os.getpid())),
    ):
        person.line(line)
        person.foreground(command)
        prompt_after(person, INTERRUPT, INTERRUPTED, *([1] if "input" in line else []))
        person.stands_in_front()
    expect(not stage_left(person), "leaves somebody")


def stage_left(person):
    """What a shell that waits for a line has below it."""
    until(lambda: not processes.descendants(person.pid), person.stage.patience)
    return processes.descendants(person.pid)


def running(person, *commands):
    """Waits until these commands run below the shell."""

    def all_run():
        return set(commands) <= set(map(processes.command, processes.descendants(person.pid)))

    expect(until(all_run, person.stage.patience), f"no {' and '.join(commands)}")


@case(places=("child",))
def ctrl_backslash_ends_the_command(stage):
    """Ctrl-\\ ends cat by QUIT, and the shell sees that"""
    person = shell(stage)
    person.line("ulimit -c 0")
    person.prompt(0)
    person.line("x cat")
    person.foreground("cat")
    prompt_after(person, QUIT, ABORTED)
    person.stands_in_front()


@case(places=("child",))
def ctrl_z_and_fg(stage):
    """Ctrl-Z stops cat, the shell sees that, and fg lets it go on; twice"""
    person = shell(stage)
    person.line("x cat")
    for _ in range(2):
        cat = person.foreground("cat")
        prompt_after(person, SUSPEND, *SUSPENDED)
        person.stands_in_front()
        expect(until(lambda: processes.state(cat) == "T", stage.patience), "cat goes on")
        person.line("fg")
    person.foreground("cat")
    person.seen = b""
    person.line("still there")
    person.read(lambda seen: seen.count(b"still there") == 2, "an echo")
    prompt_after(person, END, 0)


@case(places=("child",))
def ctrl_z_and_bg(stage):
    """Ctrl-Z stops sleep, bg lets it go on, kill ends it"""
    person = shell(stage)
    person.line("x sleep 1000")
    sleep = person.foreground("sleep")
    prompt_after(person, SUSPEND, *SUSPENDED)
    person.line("bg")
    person.prompt(0)
    expect(until(lambda: processes.state(sleep) == "S", stage.patience), "stays stopped")
    person.line("kill %1; wait %1")
    person.prompt(143)
    expect(not stage_left(person), "leaves somebody")


@case(places=("child",), needs=("dash",))
def ctrl_z_in_a_plain_shell(stage):
    """the same in sh: Ctrl-Z, fg, Ctrl-C"""
    person = shell(stage, ("dash", "-i"))
    person.line("x cat")
    cat = person.foreground("cat")
    prompt_after(person, SUSPEND, *SUSPENDED)
    expect(until(lambda: processes.state(cat) == "T", stage.patience), "cat goes on")
    person.line("fg")
    person.foreground("cat")
    prompt_after(person, INTERRUPT, INTERRUPTED)


@case(places=("child",), needs=("vim",))
def vim_edits(stage):
    """vim writes a file; Ctrl-Z and fg in between"""
    file = stage.folder / "text"
    person = shell(stage)
    person.line("x vim -u NONE -i NONE -n text")
    person.foreground("vim")
    person.expect("~")
    person.type("ihello\x1b")
    # Out of insert mode once the cursor has been told.
    person.expect("hello")
    prompt_after(person, SUSPEND, *SUSPENDED)
    person.line("fg")
    person.foreground("vim")
    person.expect("hello")
    prompt_after(person, ":wq\r", 0)
    expect(file.read_text() == "hello\n", "nothing written")


@case(places=("child",), needs=("less",))
def less_pages(stage):
    """less shows a file and ends by q; the shell has its terminal back"""
    (stage.folder / "text").write_text("".join(f"line {number}\n" for number in range(1000)))
    person = shell(stage)
    person.line("x less text")
    person.foreground("less")
    person.expect("line 10")
    prompt_after(person, "q", 0)
    person.stands_in_front()


@case(places=("child",), needs=("less",))
def a_pipeline_into_less(stage):
    """x seq | less: less has the keyboard, and all is gone after q"""
    person = shell(stage)
    person.line("x seq 100000 | less")
    person.foreground("less")
    person.expect("10")
    prompt_after(person, "q", 0)
    person.stands_in_front()
    expect(not stage_left(person), "leaves somebody")


@case(places=("child",))
def a_pipeline_out_of_printf(stage):
    """printf | x cat: input that is no terminal, below a shell with jobs"""
    person = shell(stage)
    person.line("printf 'a%sc\\n' b | x cat")
    person.prompt(0)
    expect(b"\nabc" in person.seen, "no output")
    person.stands_in_front()


@case(places=("child",))
def ctrl_c_ends_a_pipeline(stage):
    """Ctrl-C ends x sleep | cat, all of it"""
    person = shell(stage)
    person.line("x sleep 1000 | cat")
    running(person, "sleep", "cat")
    # One of the two has the terminal; which, is the program's affair.
    person.expect("\n")
    prompt_after(person, INTERRUPT, 0, INTERRUPTED)
    expect(not stage_left(person), "leaves somebody")


@case(places=("child",))
def a_job_that_reads_waits_for_the_foreground(stage):
    """x cat & stops when it reads the terminal; fg lets it read"""
    person = shell(stage)
    person.line("x cat &")
    person.prompt(0)

    def stopped():
        person.line("jobs")
        person.prompt()
        return b"Stopped" in person.seen

    expect(until(stopped, stage.patience), "does not stop")
    person.line("fg")
    person.foreground("cat")
    person.line("hello")
    person.read(lambda seen: seen.count(b"hello") == 2, "an echo")
    prompt_after(person, END, 0)


@case(places=("child",))
def a_job_leaves_the_foreground_alone(stage):
    """x sleep & does not take the terminal from the shell"""
    person = shell(stage)
    person.line("x sleep 1000 &")
    person.prompt(0)
    running(person, "sleep")
    person.line("cat")
    person.foreground("cat")
    prompt_after(person, INTERRUPT, INTERRUPTED)
    person.line("kill %1; wait %1")
    person.prompt(143)


@case(places=("child",))
def a_resize_reaches_the_command(stage):
    """a change of the terminal's size reaches the command"""
    person = shell(stage)
    person.line("x " + " ".join(stage.probe("resized")))
    stage.told("ready")
    person.resize(101, 37)
    stage.told("size 101x37")
    prompt_after(person, INTERRUPT, INTERRUPTED, 1)


@case(places=("pid1",))
def ctrl_c_reaches_the_command_of_process_1(stage):
    """Ctrl-C at the terminal of process 1 ends cat"""
    person = Person(stage, stage.command_line(["cat"]))
    person.foreground("cat")
    person.type(INTERRUPT)
    ends_with(person, INTERRUPTED)


@case(places=("pid1",))
def a_shell_has_jobs(stage):
    """an interactive shell as the command of process 1 controls jobs: Ctrl-Z, fg, Ctrl-C, exit"""
    person = Person(stage, stage.command_line(["bash", "--noprofile", "--norc", "--noediting", "-i"]))
    person.prompt()
    expect(b"no job control" not in person.seen, "no job control")
    person.line("cat")
    person.foreground("cat")
    prompt_after(person, SUSPEND, *SUSPENDED)
    person.line("fg")
    person.foreground("cat")
    prompt_after(person, INTERRUPT, INTERRUPTED)
    person.line("exit 7")
    ends_with(person, 7)


@case(places=("pid1",))
def a_resize_reaches_the_command_of_process_1(stage):
    """a change of the terminal's size reaches the command of process 1"""
    person = Person(stage, stage.command_line(stage.probe("resized")))
    stage.told("ready")
    person.resize(101, 37)
    stage.told("size 101x37")


def ends_with(person, code):
    """Judges how the leader of the session ends."""
    raw = []

    def ended():
        pid, status = os.waitpid(person.pid, os.WNOHANG)
        if pid:
            raw.append(status)
        return pid

    expect(until(ended, person.stage.patience), "does not end")
    judge(Status(raw[0]), True, code=code)
