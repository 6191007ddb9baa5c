"""Gesso's own `.venv`: made once, filled from the pinned requirements, stamped, so that the next start is immediate."""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from installation.progress import Outcome, watch
from installation.pythons import Problem, fits

REQUIREMENTS = ("requirements.txt",)
LAST = "requirements-last.txt"
"""What has to be written last, over what the others brought: installed by force, without its dependencies."""
FOR_TESTS = ("requirements-dev.txt",)
WARM = "import rembg"
"""Compiles for half a minute the first time (numba), and is kept in NUMBA_CACHE_DIR."""
NEEDED_GB = 9.0 if sys.platform == "linux" else 4.0
DISK_FULL = ("No space left on device", "[Errno 28]", "[WinError 112]")
NO_NETWORK = ("NewConnectionError", "Temporary failure in name resolution", "Could not find a version", "ReadTimeout")


class Environment:
    """The environment of the project in `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self._stamps = self.folder / "gesso-setup.json"
        self._log = self.folder / "setup.log"

    def ready(self, *, tests: bool = False) -> Path:
        """Its Python, with all that is needed installed; does nothing when the stamps say that it is.

        Raises Problem with what to do: no venv module, no space, no permission, no network.
        """
        parts = {"main": REQUIREMENTS} | ({"tests": FOR_TESTS} if tests else {})
        due = {part: files for part, files in parts.items() if self._stamped().get(part) != self._stamp(files)}
        if self.python.exists() and not due:
            return self.python
        self._create()
        for part, files in due.items():
            self._install(part, files)
        return self.python

    def variables(self) -> dict[str, str]:
        """The process environment for what runs in it."""
        numba = os.environ.get("NUMBA_CACHE_DIR") or str(self.folder / "numba")
        return variables(self.root) | {"NUMBA_CACHE_DIR": numba}

    def _create(self) -> None:
        """The environment with pip in it; one that was left half made is made anew."""
        self._refuse_unfit()
        if not os.access(self.root, os.W_OK):
            raise Problem(
                f"No permission to write in {self.root}: copy Gesso to a folder of your own, and start it there."
            )
        if self.python.exists() and self._run([str(self.python), "-m", "pip", "--version"], "looking at pip").code == 0:
            return
        for module in ("venv", "ensurepip"):
            if importlib.util.find_spec(module) is None:
                raise Problem(_no_venv())
        self._refuse_full()
        print(f"Setting Gesso up in {self.folder}: once, a few minutes, about {NEEDED_GB:.0f} GB.", flush=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        made = self._run([sys.executable, "-m", "venv", str(self.folder)], "making the environment")
        if made.code:
            raise Problem(_no_venv() if made.says("ensurepip") else self._why(made, "The environment was not made"))

    def _refuse_full(self) -> None:
        free = shutil.disk_usage(self.root).free / 1e9
        if free < NEEDED_GB:
            raise Problem(
                f"Set-up needs about {NEEDED_GB:.0f} GB in {self.root} and only {free:.1f} GB are free: "
                "make room, or install the requirements elsewhere and start with --no-setup."
            )

    def _refuse_unfit(self) -> None:
        """A `.venv` of another Python is a person's own: it is not written over."""
        file = self.folder / "pyvenv.cfg"
        told = re.search(r"version(?:_info)?\s*=\s*(\d+)\.(\d+)", file.read_text("utf-8")) if file.is_file() else None
        if told and not fits((int(told[1]), int(told[2]))):
            raise Problem(
                f"{self.folder} holds Python {told[1]}.{told[2]}, and Gesso needs 3.11 to 3.13: "
                "remove that folder, or start with --no-setup in an environment of your own."
            )

    def _install(self, part: str, files: Sequence[str]) -> None:
        pip = [
            str(self.python),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--progress-bar=off",
        ]
        self._must(
            pip + [word for file in files for word in ("-r", str(self.root / file))], "installing what Gesso needs"
        )
        if part == "main":
            self._must(
                [*pip, "--no-deps", "--force-reinstall", "-r", str(self.root / LAST)], "putting on the last touches"
            )
            self._must([str(self.python), "-c", WARM], "preparing the mask library, which takes half a minute")
        stamps = self._stamped() | {part: self._stamp(files)}
        self._stamps.write_text(json.dumps(stamps), encoding="utf-8")

    def _must(self, command: Sequence[str], what: str) -> None:
        outcome = self._run(command, what)
        if outcome.code:
            raise Problem(self._why(outcome, "Set-up stopped"))

    def _run(self, command: Sequence[str], what: str) -> Outcome:
        """With its passing files beside what it makes: a small /tmp does not hold torch."""
        passing = self.folder / "tmp"
        passing.mkdir(exist_ok=True)
        more = {
            "PYTHONUNBUFFERED": "1",
            "PIP_USER": "0",
            "TMPDIR": str(passing),
            "TMP": str(passing),
            "TEMP": str(passing),
        }
        try:
            return watch(command, what, log=self._log, environment=self.variables() | more)
        finally:
            shutil.rmtree(passing, ignore_errors=True)

    def _why(self, outcome: Outcome, what: str) -> str:
        again = "and run the same command again; it goes on where it stopped"
        if outcome.says(*DISK_FULL):
            return f"{what}: the disk of {self.folder} is full. Make room ({NEEDED_GB:.0f} GB in all) {again}."
        if outcome.says(*NO_NETWORK):
            return (
                f"{what}: the Python package index could not be reached or lacks a package. See to the network {again}."
            )
        if outcome.says("Permission denied"):
            return f"{what}: no permission to write in {self.folder}. Change its owner, or remove it, {again}."
        last = next((line for line in reversed(outcome.last) if line.strip()), "nothing")
        return f"{what}: the installer's last words were {last.strip()!r}. The whole story is in {self._log}."

    def _stamped(self) -> dict[str, str]:
        try:
            return json.loads(self._stamps.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def _stamp(self, files: Sequence[str]) -> str:
        """A digest of what would be installed."""
        content = [(self.root / file).read_bytes() for file in (*files, LAST)]
        return hashlib.sha256(b"\0".join(content)).hexdigest()


def variables(root: Path) -> dict[str, str]:
    """The process environment for a Python that shall find the project in `root`."""
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    return dict(os.environ) | {"PYTHONPATH": path}


def missing(root: Path, *, tests: bool = False) -> list[str]:
    """What the requirements name and the running Python has not got."""
    names = []
    for file in REQUIREMENTS + (FOR_TESTS if tests else ()):
        for line in (root / file).read_text(encoding="utf-8").splitlines():
            name = re.match(r"[A-Za-z0-9][\w.-]*", line)
            if name and not _has(name[0]):
                names.append(name[0])
    return names


def _has(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _no_venv() -> str:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return (
        f"This Python ({sys.executable}) comes without venv: install it (Debian and Ubuntu: "
        f"sudo apt install python{version}-venv) and run the same command again."
    )
