"""Which tests name which rows: every test that pytest would run and that is marked with `contract`."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

import pytest

from configs.settings import ROOT

MARK = "mark.contract("


@dataclass(frozen=True, kw_only=True, order=True)
class Proof:
    """A test (all its parameters together) and a row that it names. file: relative to the repository."""

    row: str
    file: str
    test: str


def collect() -> list[Proof]:
    """All proofs, by row, file and place in it. Runs pytest's collection in a process of its own."""
    command = [sys.executable, "-m", "tests.contract.proofs"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if said.returncode:
        raise RuntimeError(f"The tests could not be collected:\n{said.stdout}{said.stderr}")
    return [Proof(**told) for told in json.loads(said.stdout.splitlines()[-1])]


class _Collector:
    """A plug-in that keeps what is named by the tests that were collected."""

    def __init__(self) -> None:
        self.proofs: dict[Proof, None] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for mark in item.iter_markers("contract"):
                for row in mark.args:
                    test = item.name.split("[")[0]
                    self.proofs[Proof(row=row, file=item.path.relative_to(ROOT).as_posix(), test=test)] = None


def _collected() -> int:
    """Print the proofs as JSON; pytest's own exit code."""
    files = [str(file) for file in sorted((ROOT / "tests").rglob("test_*.py")) if MARK in file.read_text("utf-8")]
    collector = _Collector()
    code = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *files], plugins=[collector])
    print("\n" + json.dumps([asdict(proof) for proof in collector.proofs]))
    return int(code)


if __name__ == "__main__":
    sys.exit(_collected())
