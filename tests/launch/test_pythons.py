import os
import stat
import sys
from pathlib import Path

import pytest

from installation.pythons import Problem, fits, fitting

pytestmark = pytest.mark.skipif(os.name == "nt", reason="stands in for Pythons with shell scripts")


def python(folder: Path, name: str, script: str) -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@pytest.mark.parametrize(
    ("version", "does"), [((3, 10), False), ((3, 11, 2), True), ((3, 13), True), ((3, 14), False), ((), False)]
)
def test_only_tested_pythons_fit(version, does):
    assert fits(version) is does


def test_a_fitting_python_on_the_path_is_found_past_shims_that_do_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    python(tmp_path, "python3.11", "exit 127")
    python(tmp_path, "python3.12", "echo pyenv: command not found")
    python(tmp_path, "python3.13", "echo 3.13")
    python(tmp_path, "python3", "echo 3.9")
    assert fitting() == [str(tmp_path / "python3.13")]


def test_without_a_fitting_python_the_message_says_which_one_and_where_from(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match=r"3\.11, 3\.12 or 3\.13.*python\.org") as caught:
        fitting()
    assert sys.executable in str(caught.value)
