"""The PNG benchmark runs, at a small size, and checks every file's pixels on the way."""

import re

import pytest

from benchmarks import png


def test_it_prints_a_row_for_every_picture(capsys: pytest.CaptureFixture[str]) -> None:
    png.run(cases=1, side=96)
    rows = re.findall(r"^\| ([^|]+) \| \d+ \| \d+ \| ([\d.]+) \| ([\d.]+) \|$", capsys.readouterr().out, re.M)
    assert len(rows) == 9
    assert all(float(share) < 3 for _, _, share in rows)
