"""What the program costs while the command runs."""

import processes
from cases import case
from processes import until
from programs import is_released
from stage import expect

REST_SECONDS = 5
LARGEST_KIB = 4096


@case(places=("child",))
def rest_is_free(stage):
    """while nothing happens, the program uses no processor time"""
    run = stage.start(["sleep", "1000"])
    child, pid = run.child(), run.pid()
    until(lambda: processes.command(child) == "sleep", stage.patience)
    before = until(lambda: processes.cpu_ticks(pid), 1)
    until(lambda: False, REST_SECONDS)
    used = processes.cpu_ticks(pid) - before
    expect(used == 0, f"{used} ticks in {REST_SECONDS} s")


@case(places=("child",))
def little_stays_in_memory(stage):
    """what stays in memory beside the command; escrun as released for containers takes 4 MiB at most"""
    run = stage.start(["sleep", "1000"])
    child, pid = run.child(), run.pid()
    until(lambda: processes.command(child) == "sleep", stage.patience)
    # Once it waits, it has what it needs.
    until(lambda: processes.state(pid) == "S", stage.patience)
    kibibytes = int(processes.status(pid)["VmRSS"].split()[0])
    if stage.program.judged and is_released(stage.program.file):
        expect(kibibytes <= LARGEST_KIB, f"{kibibytes} KiB")
    return f"{kibibytes} KiB"
