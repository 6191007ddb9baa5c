"""Runs a long command and tells a person what it is doing, how long it has been at it and how much it has written."""

import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

LOOK = 0.5
"""Seconds between two looks; a terminal is told each time, a log file every SELDOM seconds."""
SELDOM = 15.0
WIDTH = 100


@dataclass
class Outcome:
    """How a command ended: its exit code and its last lines."""

    code: int
    last: deque[str] = field(default_factory=lambda: deque(maxlen=40))

    def says(self, *words: str) -> bool:
        return any(word in line for line in self.last for word in words)


def watch(command: Sequence[str], what: str, *, log: Path, environment: Mapping[str, str]) -> Outcome:
    """Runs `command`, all its output appended to `log`. Raises OSError when it cannot be started."""
    outcome = Outcome(code=0)
    teller = Teller(what, log.parent)
    with (
        log.open("a", encoding="utf-8", errors="replace") as kept,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(environment),
        ) as process,
    ):
        reader = threading.Thread(target=_read, args=(process.stdout, kept, outcome, teller), daemon=True)
        reader.start()
        try:
            while reader.is_alive():
                teller.tell()
                reader.join(LOOK)
            outcome.code = process.wait()
        except BaseException:
            process.kill()
            reader.join()
            raise
    teller.end()
    return outcome


class Teller:
    """One line on a terminal that is written over again; elsewhere a line now and then."""

    def __init__(self, what: str, folder: Path) -> None:
        self.doing = what
        self._what, self._folder = what, folder
        self._start, self._last_told = time.monotonic(), -SELDOM
        self._free = shutil.disk_usage(folder).free
        self._terminal = sys.stdout.isatty()

    def tell(self) -> None:
        seconds = time.monotonic() - self._start
        if self._terminal:
            print("\r" + self._line(seconds)[:WIDTH].ljust(WIDTH), end="", flush=True)
        elif seconds - self._last_told >= SELDOM:
            self._last_told = seconds
            print(self._line(seconds), flush=True)

    def end(self) -> None:
        self.doing = self._what
        line = self._line(time.monotonic() - self._start) + ", done"
        print("\r" * self._terminal + line[:WIDTH].ljust(WIDTH if self._terminal else 0), flush=True)

    def _line(self, seconds: float) -> str:
        written = max(0, self._free - shutil.disk_usage(self._folder).free) / 1e6
        return f"  {int(seconds) // 60}:{int(seconds) % 60:02}  {written:6.0f} MB  {self.doing}"


def doing(line: str) -> str | None:
    """What a line of pip's means to a person; None if nothing new."""
    words = line.split()
    if line.startswith("Collecting "):
        return f"looking up {words[1]}"
    fetched = re.match(r"\s*(?:Downloading|Using cached) (\S+)\.whl \((.+)\)", line)
    if fetched:
        name, version = [*fetched[1].split("-"), ""][:2]
        return f"downloading {name} {version}, {fetched[2]}"
    if line.startswith("Building wheels for"):
        return "building " + words[-1]
    if line.startswith("Installing collected packages: "):
        return f"unpacking {len(words) - 3} packages, which takes a few minutes"
    return None


def _read(lines: Iterable[str], kept: TextIO, outcome: Outcome, teller: Teller) -> None:
    for line in lines:
        kept.write(line)
        kept.flush()
        outcome.last.append(line.rstrip())
        teller.doing = doing(line) or teller.doing
