"""Commands that end, or go away, in unusual ways."""

import os

import processes
from cases import case
from processes import until
from stage import expect


@case()
def the_end_of_the_command_is_the_end(stage):
    """the command's status is told although somebody whom it has left behind lives on"""
    run = stage.start(stage.probe("leave", 3), ready="ready", limit="500ms")
    run.ends_as(code=3)


@case(places=("pid1",))
def nobody_survives_the_end(stage):
    """whom the command leaves behind does not survive process 1"""
    run = stage.start(stage.probe("leave", 3), ready="ready", limit="500ms")
    run.end()
    left = stage.left()
    expect(not left, f"leaves {left}")


@case()
def a_daemon_goes_its_way(stage):
    """a command that becomes a daemon by itself ends the program with its status"""
    run = stage.start(stage.probe("daemonize"), limit="500ms")
    run.ends_as(code=0)


@case()
def a_fork_that_goes_away_is_no_end_of_its_own(stage):
    """the status is that of the command, not of a child that ends later"""
    run = stage.start(stage.probe("fork_away"), limit="500ms")
    run.ends_as(code=0)


@case()
def closing_the_output_reaches_its_reader(stage):
    """when the command closes its standard output, a reader sees the end, although the program lives"""
    fifo = named_pipe(stage)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    run = stage.start(stage.probe("close", 1), prefix=through(fifo, "exec >"), ready="ready")

    def ended():
        try:
            return os.read(reader, 100) == b""
        except BlockingIOError:
            return False

    expect(until(ended, stage.patience), "holds the output")
    expect(not run.has_ended() and processes.state(run.child()) in "SR", "ended")


@case()
def closing_the_input_reaches_its_writer(stage):
    """when the command closes its standard input, a writer sees that, although the program lives"""
    fifo = named_pipe(stage)
    run = stage.start(stage.probe("close", 0), prefix=through(fifo, "exec <"))
    writer = os.open(fifo, os.O_WRONLY)
    stage.told("ready")

    def broken():
        try:
            os.write(writer, b"x")
            return False
        except BrokenPipeError:
            return True

    expect(until(broken, stage.patience), "holds the input")
    expect(not run.has_ended() and processes.state(run.child()) in "SR", "ended")


def named_pipe(stage):
    fifo = stage.folder / "fifo"
    os.mkfifo(fifo)
    return fifo


def through(fifo, redirection):
    """Opens a named pipe inside, so that nobody outside holds it too."""
    return ["sh", "-c", f'{redirection} "$0"; exec "$@"', str(fifo)]
