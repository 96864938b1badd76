"""How the program ends when the command has ended."""

import os
import resource
import signal

import processes
from cases import case
from stage import Wrong, expect, judge

# What a program that is slow to start is asked instead of everything.
SOME_CODES = (0, 1, 2, 42, 125, 126, 127, 128, 143, 255)
SOME_SIGNALS = (1, 2, 6, 9, 11, 13, 15, 34, 64)


def wrong_ones(cases):
    """The cases that are wrong, counted, and what the first of them is."""
    wrong = []
    for name, play in cases:
        try:
            play()
        except Wrong as error:
            wrong.append(f"{name}: {error}")
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise Wrong(wrong[0] + more)


@case()
def every_code_is_told(stage):
    """the exit codes 0 to 255 are told as they are"""

    def play(code):
        run = stage.start(["sh", "-c", f"exit {code}"])
        run.ends_as(code=code)
        stage.restart()

    codes = SOME_CODES if stage.program.is_slow else range(256)
    wrong_ones((f"{code}", lambda code=code: play(code)) for code in codes)


@case()
def every_signal_is_told(stage):
    """a command's death by each signal is told: as 128 + n by process 1, else by the same death"""

    def play(number):
        run = stage.start(["sh", "-c", f"kill -{number} $$; exit 99"], prepare=cores_allowed)
        status = run.end()
        judge(status, stage.is_first, signal=number)
        stage.restart()

    numbers = SOME_SIGNALS if stage.program.is_slow else range(1, processes.LAST + 1)
    deadly = [number for number in numbers if number not in processes.STOPPING | processes.HARMLESS]
    wrong_ones((processes.name(number), lambda number=number: play(number)) for number in deadly)


def cores_allowed():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


@case(places=("child",))
def the_program_leaves_no_core(stage):
    """when the command dies of QUIT the program does too, but without a core file of its own"""
    run = stage.start(["sh", "-c", "ulimit -c 0; kill -QUIT $$; exit 99"], prepare=cores_allowed)
    status = run.end()
    expect(status.signal == signal.SIGQUIT, str(status))
    expect(not status.dumped, "leaves a core")


@case()
def a_missing_command_is_127(stage):
    """a command that is not there: 127"""
    stage.start(["/nonexistent/command"]).ends_as(code=127)


@case()
def a_missing_name_is_127(stage):
    """a command that is in no folder of PATH: 127"""
    stage.start(["no-such-command"]).ends_as(code=127)


@case()
def a_plain_file_is_126(stage):
    """a file that is not executable: 126"""
    file = stage.folder / "plain"
    file.write_text("text\n")
    stage.start([str(file)]).ends_as(code=126)


@case()
def a_folder_is_126(stage):
    """a folder: 126"""
    stage.start([str(stage.folder)]).ends_as(code=126)


@case()
def a_missing_interpreter_is_127(stage):
    """a script whose interpreter is not there: 127"""
    file = stage.folder / "script"
    file.write_text("#!/nonexistent/interpreter\n")
    file.chmod(0o755)
    stage.start([str(file)]).ends_as(code=127)


@case()
def instant_ends_are_seen(stage):
    """a command that ends in the first moment, fifty times: no end is missed"""
    for _ in range(5 if stage.program.is_slow else 50):
        stage.start(["true"]).ends_as(code=0)
        stage.restart()


@case()
def a_caller_that_ignores_chld_changes_nothing(stage):
    """with CHLD ignored, in which the kernel reaps by itself, the status is told all the same"""
    stage.start(["sh", "-c", "exit 7"], prefix=stage.probe("ignoring", int(signal.SIGCHLD))).ends_as(code=7)


@case()
def an_end_by_its_own_hand_is_told(stage):
    """a command that somebody kills by KILL: the program tells that"""
    run = stage.start(stage.probe("ignore", int(signal.SIGTERM)), ready="ready")
    os.kill(run.child(), signal.SIGKILL)
    run.ends_as(signal=signal.SIGKILL)
