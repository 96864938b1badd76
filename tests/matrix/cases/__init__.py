"""The cases. Each is a function of a stage that raises `Wrong`; its documentation is what it asks."""

import importlib

FILES = ("forwarding", "orphans", "stopping", "statuses", "inheritance", "terminal", "ends", "options", "costs")
ALL = []


class Case:
    """A question, asked of a program as process 1 or elsewhere."""

    def __init__(self, function, is_first, programs):
        place = "pid1" if is_first else "child"
        self.name = f"{place}/{function.__name__.replace('_', '-')}"
        self.question = " ".join(function.__doc__.split())
        self.play = function
        self.is_first = is_first
        self.needs = programs


def case(places=("pid1", "child"), needs=()):
    """Makes cases of a function: as process 1, and elsewhere. `needs`: programs without which it cannot be played."""

    def register(function):
        for place in ("pid1", "child"):
            if place in places:
                ALL.append(Case(function, place == "pid1", needs))
        return function

    return register


def load():
    """All cases, in the order of their files, those of process 1 first."""
    if not ALL:
        for file in FILES:
            importlib.import_module(f"cases.{file}")
    return sorted(ALL, key=lambda case: not case.is_first)
