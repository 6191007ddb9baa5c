import os
import sys

import pytest

from installation.progress import doing, watch


def run(tmp_path, script: str):
    return watch([sys.executable, "-c", script], "trying", log=tmp_path / "setup.log", environment=os.environ)


def test_a_command_is_watched_to_its_end_and_its_words_are_kept(tmp_path, capsys):
    outcome = run(tmp_path, "print('one'); print('two')")
    assert (outcome.code, list(outcome.last)) == (0, ["one", "two"])
    assert (tmp_path / "setup.log").read_text() == "one\ntwo\n"
    told = capsys.readouterr().out
    assert "trying" in told
    assert "MB" in told


def test_a_command_that_fails_says_why(tmp_path):
    outcome = run(tmp_path, "import sys; print('OSError: [Errno 28] No space left on device'); sys.exit(3)")
    assert outcome.code == 3
    assert outcome.says("No space left")
    assert not outcome.says("Permission denied")


def test_a_command_that_cannot_be_started_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        watch([str(tmp_path / "nothing")], "trying", log=tmp_path / "log", environment=os.environ)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Collecting torch==2.15.0 (from -r requirements.txt (line 3))", "looking up torch==2.15.0"),
        (
            "  Downloading torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl (800.1 MB)",
            "downloading torch 2.15.0, 800.1 MB",
        ),
        ("  Using cached six-1.17.0-py2.py3-none-any.whl (11 kB)", "downloading six 1.17.0, 11 kB"),
        ("Building wheels for collected packages: groundingdino-py", "building groundingdino-py"),
        ("Installing collected packages: a, b, c", "unpacking 3 packages, which takes a few minutes"),
        ("Requirement already satisfied: six", None),
    ],
)
def test_pips_lines_are_told_in_plain_words(line, told):
    assert doing(line) == told
