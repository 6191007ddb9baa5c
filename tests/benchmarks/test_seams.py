"""The seam benchmark runs, and tells our seams from plain ones."""

import re

import pytest

from benchmarks import seams


def test_it_prints_a_row_for_every_way_and_ours_is_the_smoothest(capsys: pytest.CaptureFixture[str]) -> None:
    seams.run(cases=8)
    rows = re.findall(
        r"^\| ([^|]+) \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \| [\d.]+ \| (\d+)", capsys.readouterr().out, re.M
    )
    told = {name: (float(colour), float(slope), int(changed)) for name, colour, slope, changed in rows}
    assert told.keys() == seams.WAYS.keys()
    ours = told.pop("Gesso")
    assert told.pop("(the picture itself)")[2] == 0
    assert ours[2] == 0
    assert told["31 px feather"][2] > 0
    for name, (colour, slope, _) in told.items():
        assert ours[0] < colour, name
        assert ours[1] < slope, name
