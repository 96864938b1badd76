"""Processes whose parents have died come to the program, and must be reaped."""

from pathlib import Path

import processes
from cases import case
from processes import until
from stage import expect


def reaps(stage, count, batches):
    """Makes orphans that die, and waits until nothing of them is left."""
    hold = Path(f"{stage.log_file}.hold")
    hold.touch()
    run = stage.start(stage.probe("orphans", count, batches), ready="born 0")
    main = run.child()
    adopted = until(lambda: len(processes.children(run.pid())) > count, stage.patience)
    expect(adopted, "does not adopt them")
    hold.unlink()
    stage.told(f"died {batches - 1}")
    rest = until(lambda: processes.children(run.pid()) == [main], stage.patience)
    expect(rest, f"leaves {len(processes.children(run.pid())) - 1}")
    expect(not run.has_ended(), "ends with them")


@case()
def two_hundred_orphans_at_once_are_reaped(stage):
    """200 orphans that die in the same instant are all reaped while the command lives"""
    reaps(stage, 200, 1)


@case()
def a_thousand_orphans_are_reaped(stage):
    """1,000 orphans, 100 at a time, are all reaped while the command lives"""
    reaps(stage, 100, 10)
