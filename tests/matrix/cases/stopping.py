"""From the request to stop until nothing is left; and stops that are only for a while."""

import os
import signal

import processes
from cases import case
from processes import until
from stage import expect

LIMIT = "500ms"


def gone(stage):
    left = stage.left()
    expect(not left, f"leaves {', '.join(sorted(set(left)))}")


@case()
def a_command_may_take_its_time(stage):
    """a command that needs 300 ms to stop has them, and its status is told"""
    run = stage.start(stage.probe("graceful", 300, 7), ready="ready")
    run.send(signal.SIGTERM)
    stage.told("stopping")
    run.ends_as(code=7)


@case()
def a_command_that_ignores_term_is_killed(stage):
    """a command that ignores TERM is killed when the time for stopping is over"""
    run = stage.start(stage.probe("ignore", int(signal.SIGTERM)), ready="ready", limit=LIMIT)
    run.send(signal.SIGTERM)
    expect(until(run.has_ended, stage.patience), "never ends")
    run.ends_as(signal=signal.SIGKILL)


@case()
def nobody_survives_a_stop(stage):
    """a grandchild that ignores TERM, in a session of its own, does not survive the stop"""
    run = stage.start(stage.probe("clan"), ready="ready", limit=LIMIT)
    run.send(signal.SIGTERM)
    run.end()
    gone(stage)


@case()
def a_shell_stops(stage):
    """a shell that waits for its command, sh -c 'sleep …; …', stops at once and leaves nothing"""
    run = stage.start(["sh", "-c", "sleep 1000; exit 3"], limit=LIMIT)
    until(lambda: "sleep" in map(processes.command, processes.descendants(run.pid())), stage.patience)
    run.send(signal.SIGTERM)
    run.ends_as(signal=signal.SIGTERM)
    gone(stage)


@case()
def kill_after_a_grace_ends_all(stage):
    """TERM and later KILL, as container engines do: nothing is left"""
    options = {"die_with_parent": True} if not stage.is_first else {}
    run = stage.start(stage.probe("ignore", int(signal.SIGTERM)), ready="ready", **options)
    run.send(signal.SIGTERM, signal.SIGKILL)
    run.end()
    gone(stage)


@case(places=("child",))
def the_command_dies_with_the_program(stage):
    """with the option for it, KILL to the program ends the command too"""
    run = stage.start(["sleep", "1000"], die_with_parent=True)
    child = run.child()
    until(lambda: processes.command(child) == "sleep", stage.patience)
    run.send(signal.SIGKILL)
    run.end()
    gone(stage)


@case(places=("pid1",))
def all_die_with_the_program(stage):
    """KILL to process 1 ends all that is in its namespace"""
    run = stage.start(stage.probe("clan"), ready="ready")
    run.send(signal.SIGKILL)
    run.end()
    gone(stage)


@case(places=("child",))
def a_stop_is_mirrored(stage):
    """when the command is stopped the program stops too, so that a shell sees it; CONT makes both go on"""
    run = stage.start(["sleep", "1000"])
    child, pid = run.child(), run.pid()
    expect(until(lambda: processes.command(child) == "sleep", stage.patience), "no sleep")
    os.kill(child, signal.SIGSTOP)
    expect(until(lambda: processes.state(pid) == "T", stage.patience), "stays awake")
    os.kill(pid, signal.SIGCONT)
    expect(until(lambda: processes.state(child) != "T", stage.patience), "the command stays stopped")
    expect(until(lambda: processes.state(pid) != "T", stage.patience), "stays stopped")
    run.send(signal.SIGTERM)
    run.end()


@case(places=("pid1",))
def process_1_stays_awake(stage):
    """when the command is stopped process 1 goes on to forward, and CONT makes the command go on"""
    run = stage.start(["sleep", "1000"])
    child = run.child()
    expect(until(lambda: processes.command(child) == "sleep", stage.patience), "no sleep")
    os.kill(child, signal.SIGSTOP)
    until(lambda: processes.state(child) == "T", stage.patience)
    run.send(signal.SIGCONT)
    expect(until(lambda: processes.state(child) != "T", stage.patience), "the command stays stopped")
    run.send(signal.SIGTERM)
    expect(until(run.has_ended, stage.patience), "does not end")


@case()
def a_stopped_command_can_be_ended(stage):
    """TERM ends even a command that is stopped"""
    run = stage.start(["sleep", "1000"], limit=LIMIT)
    child = run.child()
    expect(until(lambda: processes.command(child) == "sleep", stage.patience), "no sleep")
    os.kill(child, signal.SIGSTOP)
    until(lambda: processes.state(child) == "T", stage.patience)
    # Somebody who stopped with it has to be woken first, as a shell does.
    run.send(signal.SIGTERM)
    try:
        os.kill(child if stage.is_first else run.outer, signal.SIGCONT)
    except ProcessLookupError:
        # It needed no waking.
        pass
    expect(until(run.has_ended, stage.patience), "does not end")
