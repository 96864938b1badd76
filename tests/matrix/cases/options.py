"""What inits offer by options."""

import signal

from cases import case
from processes import until
from stage import expect


@case()
def signals_can_be_rewritten(stage):
    """with the option for it, TERM becomes QUIT"""
    run = stage.start(stage.probe("record"), rewrite=(15, 3), ready="ready child")
    run.send(signal.SIGTERM)
    until(lambda: len(stage.log()) > 1, stage.patience)
    expect(stage.log()[1:] == [f"child {int(signal.SIGQUIT)}"], ", ".join(stage.log()[1:]) or "nothing came")


@case()
def statuses_can_be_expected(stage):
    """with the option for it, the status 143 becomes 0"""
    stage.start(["sh", "-c", "exit 143"], expect=(143, 0)).ends_as(code=0)


@case()
def deaths_can_be_expected(stage):
    """with the option for it, the death of TERM (143) becomes 0"""
    run = stage.start(stage.probe("clan"), expect=(143, 0), ready="ready", limit="500ms")
    run.send(signal.SIGTERM)
    run.ends_as(code=0)
