"""Which Python runs Gesso. Written so that old Pythons can read it too, and say that they are too old."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Any

OLDEST, NEWEST = (3, 11), (3, 13)
NAMES = ("python3.11", "python3.12", "python3.13", "py -3.11", "py -3.12", "py -3.13", "python3", "python")
"""`py` is the launcher on Windows."""
HERE = ".".join(str(part) for part in sys.version_info[:2])
ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


class Problem(Exception):
    """Something that a person has to put right: one sentence about what it is, and what to do."""


def fits(version: tuple[Any, ...]) -> bool:
    return OLDEST <= tuple(version[:2]) <= NEWEST


def fitting() -> list[str]:
    """The command of the first Python on the PATH that fits. Raises Problem when none does."""
    for name in NAMES:
        program, *choice = name.split()
        command = [shutil.which(program) or "", *choice]
        if command[0] and fits(_version(command)):
            return command
    raise Problem(
        f"Gesso needs Python 3.11, 3.12 or 3.13; this is {HERE} ({sys.executable}) and none of them is on the PATH. "
        "Install one, for instance from python.org, and run the same command again."
    )


def run_again(python: list[str], arguments: list[str]) -> int:
    """The same command line, in another Python; its exit code."""
    print(f"Python {HERE} does not fit, going on with {' '.join(python)}.", flush=True)
    return subprocess.call([*python, os.path.abspath(sys.argv[0]), *arguments])


def _version(python: list[str]) -> tuple[int, ...]:
    """(major, minor), or () of what does not run: a shim of pyenv or of the Windows store need not."""
    try:
        answer = subprocess.run([*python, "-c", ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
        return tuple(int(part) for part in answer.stdout.decode().strip().split("."))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ()
