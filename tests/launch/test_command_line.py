"""`launch.py` as a person meets it: what it says, and the exit code."""

import ast
import json
import os
import platform
import socket
import subprocess
import sys

import pytest

import launch
from configs.settings import ROOT, flag, options


def typed(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "launch.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | variables, timeout=120)


def refused(code: int, *words: str, **variables: str) -> str:
    """What is said on refusal: one line, no traceback, nothing on the standard output."""
    ended = typed(*words, **variables)
    said = ended.stderr.strip()
    assert (ended.returncode, ended.stdout, said.count("\n")) == (code, "", 0), ended
    return said


def test_the_help_is_complete():
    ended = typed("--help")
    assert ended.returncode == 0
    for word in (
        "serve",
        "demo",
        "download",
        "bench",
        "test",
        "--no-setup",
        "--config",
        *(flag(name) for name in options()),
    ):
        assert word in ended.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["servce"], "serve, demo, download, bench, test"),
        (["--prot", "80"], "--port"),
        (["serve", "--port", "eighty"], "'eighty'"),
        (["demo", "--device", "gpu"], "cuda"),
        (["--always-gpu"], "--always-gpu is not supported"),
        (["--listen", "not an address", "--no-setup"], "--listen"),
    ],
)
def test_a_wrong_word_is_refused_in_one_line(words, said):
    assert said in refused(1 if "--listen" in words else 2, *words)


def test_a_wrong_variable_is_refused_by_its_name():
    assert "API_PORT" in refused(2, API_PORT="many")


def test_a_port_in_use_is_told_with_its_number():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(1, "--port", str(port))
    assert str(port) in said
    assert "--port" in said


def test_a_folder_that_cannot_be_made_is_told_with_its_path(tmp_path):
    (tmp_path / "file").touch()
    assert "file" in refused(1, "demo", "--output-path", str(tmp_path / "file" / "outputs"))


def test_a_folder_without_permission_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("os.access", lambda *args: False)
    assert launch.main(["demo", "--output-path", str(tmp_path)]) == 1
    assert "--output-path" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "said"), [(28, "full"), (13, "permission"), (30, "permission"), (5, "outputs")])
def test_what_the_system_refuses_is_told_in_plain_words(number, said, monkeypatch, capsys):
    def refuse(arguments):
        raise OSError(number, os.strerror(number), "/somewhere/outputs")

    monkeypatch.setattr(launch, "run", refuse)
    assert launch.main([]) == 1
    assert said in capsys.readouterr().err


def test_tests_get_every_word_that_follows():
    ended = typed("test", "--no-setup", "--version")
    assert (ended.returncode, "pytest" in ended.stdout) == (0, True), ended.stderr


def test_a_benchmark_leaves_its_table_as_markdown_and_json(tmp_path):
    ended = typed("bench", "--no-setup", "png", "--cases", "1", "--out", str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == (tmp_path / "png.md").read_text(encoding="utf-8")
    told = json.loads((tmp_path / "png.json").read_text(encoding="utf-8"))
    assert told["benchmark"] == "png"
    assert f"Python {platform.python_version()}" in told["machine"]
    (table,) = told["tables"]
    assert [row["picture"] for row in table][-1] == "flat art"
    assert all(float(row["times as fast"]) > 0 for row in table)


@pytest.mark.skipif(os.name == "nt", reason="stands in for a Python with a shell script")
def test_an_unfit_python_hands_over_to_a_fitting_one(tmp_path, monkeypatch, capfd):
    other = tmp_path / "python3.12"
    other.write_text('#!/bin/sh\n[ "$1" = -c ] && echo 3.12 && exit\nshift\necho "got $*"\nexit 7\n')
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(launch, "fits", lambda version: False)
    assert launch.main(["demo", "--port", "80"]) == 7
    assert "got demo --port 80" in capfd.readouterr().out


def test_an_unfit_python_without_another_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(launch, "fits", lambda version: False)
    assert launch.main([]) == 1
    assert "3.11" in capsys.readouterr().err
    assert launch.main(["--no-setup"]) == 1
    assert "--no-setup" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["launch.py", "installation/__init__.py", "installation/pythons.py"])
def test_old_pythons_can_read_what_tells_them_that_they_are_old(file):
    ast.parse((ROOT / file).read_text(encoding="utf-8"), feature_version=(3, 8))
