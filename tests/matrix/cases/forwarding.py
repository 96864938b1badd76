"""Signals that the program gets, and the command should."""

import os
import signal

import processes
from cases import case
from processes import until
from stage import expect

EVERY = [number for number in range(1, processes.LAST + 1) if number not in processes.UNCATCHABLE]
REAL_TIME = processes.FIRST_REAL_TIME + 1


def names(numbers):
    """Their names; many as a count."""
    if len(numbers) > 8:
        return f"{len(numbers)} signals"
    return " ".join(processes.name(number) for number in sorted(numbers))


def missing(stage, run, numbers):
    """Sends signals, and gives those that do not arrive."""
    wanted = {f"child {number}" for number in numbers}
    run.send(*numbers)
    until(lambda: wanted <= set(stage.log()), stage.patience)
    return [number for number in numbers if f"child {number}" not in stage.log()]


@case()
def every_signal_arrives(stage):
    """every signal that can be caught reaches the command"""
    run = stage.start(stage.probe("record"), ready="ready child")
    special = processes.STOPPING | processes.RESERVED | set(processes.SYNCHRONOUS) | {int(signal.SIGCHLD)}
    lost = missing(stage, run, [number for number in EVERY if number not in special])
    expect(not lost, f"not {names(lost)}")


@case()
def reserved_signals_arrive(stage):
    """signals 32 and 33, which the C library keeps to itself, reach the command"""
    run = stage.start(stage.probe("record"), ready="ready child")
    lost = missing(stage, run, sorted(processes.RESERVED))
    expect(not run.has_ended(), "ended by it")
    expect(not lost, f"not {names(lost)}")


@case()
def signals_of_faults_arrive(stage):
    """a signal that usually tells a fault of the process itself reaches the command if somebody sent it"""
    run = stage.start(stage.probe("record"), ready="ready child")
    lost = []
    for number in processes.SYNCHRONOUS:
        lost += missing(stage, run, [number])
        expect(not run.has_ended(), f"ended by {processes.name(number)}")
        if lost:
            break
    expect(not lost, f"not {names(lost)}")


@case()
def stop_signals_arrive(stage):
    """TSTP, TTIN and TTOU reach a command that handles them, and CONT does"""
    run = stage.start(stage.probe("record"), ready="ready child")
    lost = []
    for number in sorted(processes.STOPPING - processes.UNCATCHABLE):
        lost += missing(stage, run, [number])
        # Whoever stopped instead goes on.
        for pid in (run.child(), run.pid()):
            os.kill(pid, signal.SIGCONT)
    expect(not lost, f"not {names(lost)}")


@case()
def real_time_signals_queue(stage):
    """a real-time signal that is sent fifty times arrives fifty times"""
    run = stage.start(stage.probe("record"), ready="ready child")
    line = f"child {REAL_TIME}"
    run.send(*[REAL_TIME] * 50)
    until(lambda: stage.log().count(line) >= 50, stage.patience)
    expect(stage.log().count(line) == 50, f"{stage.log().count(line)} of 50")


@case()
def signals_that_wait_arrive(stage):
    """a signal that already waits when the program is executed reaches the command"""
    prefix = stage.probe("pend", int(signal.SIGUSR1))
    run = stage.start(stage.probe("record"), prefix=prefix)
    # A command whose mask was cleared is ended by it, which is as good.
    told = until(lambda: f"child {int(signal.SIGUSR1)}" in stage.log() or run.has_ended(), stage.patience)
    expect(told, "lost")
    if run.has_ended():
        status = run.end()
        expect(int(signal.SIGUSR1) in (status.signal, (status.code or 0) - 128), str(status))


@case()
def signals_arrive_while_the_command_starts(stage):
    """a signal that comes while the command is being started reaches it"""
    for _ in range(4 if stage.program.is_slow else 20):
        run = stage.start(["sleep", "1000"])
        pid = run.pid()

        def listens():
            return any(signal.SIGTERM in processes.signals(pid, field) for field in ("SigBlk", "SigCgt"))

        # Before that, TERM ends it, or cannot touch it.
        until(lambda: listens() or run.has_ended(), stage.patience)
        run.send(signal.SIGTERM)
        expect(until(run.has_ended, stage.patience), "lost")
        stage.restart()


@case(places=("child",))
def a_signal_at_any_moment_ends_it(stage):
    """TERM ends the program and its command whenever it comes, from the first moment on"""
    for delay in range(4 if stage.program.is_slow else 20):
        run = stage.start(["sleep", "1000"])
        # The instant varies; each is as right as any other.
        until(lambda: False, delay / 1000)
        run.send(signal.SIGTERM)
        expect(until(run.has_ended, stage.patience), f"lost after {delay} ms")
        expect(not stage.left(), "leaves the command")
        stage.restart()


@case()
def the_group_gets_it(stage):
    """with the option for it, what is sent reaches the command and its children of the same group"""
    run = stage.start(stage.probe("family"), group=True)
    stage.told("ready child")
    stage.told("ready grandchild")
    wanted = {f"{who} {int(signal.SIGUSR1)}" for who in ("child", "grandchild")}
    run.send(signal.SIGUSR1)
    until(lambda: wanted <= set(stage.log()), stage.patience)
    lost = sorted(line.split()[0] for line in wanted - set(stage.log()))
    expect(not lost, f"not the {' and '.join(lost)}")


@case()
def the_command_alone_gets_it(stage):
    """without that option, or with one for it, what is sent reaches the command alone"""
    run = stage.start(stage.probe("family"), alone=True)
    stage.told("ready child")
    stage.told("ready grandchild")
    lost = missing(stage, run, [int(signal.SIGUSR1)])
    expect(not lost, "lost")
    # Straight to the grandchild, and of a higher number: it would be taken after the other.
    group = os.getpgid(run.child())
    for pid in processes.descendants(run.child()):
        os.kill(pid, signal.SIGUSR2)
    stage.told(f"grandchild {int(signal.SIGUSR2)}")
    expect(f"grandchild {int(signal.SIGUSR1)}" not in stage.log(), f"the group {group} got it")
