"""The benchmark of large edits runs, and goes through all that an edit does to its pixels."""

import pytest

from benchmarks import large
from benchmarks.__main__ import tables


def test_it_tells_the_time_of_every_share(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "SIDE", 256)
    monkeypatch.setattr(large, "PAINTED", 64)
    large.run(cases=1)
    (rows,) = tables(capsys.readouterr().out)
    assert [row["mask covers"] for row in rows] == ["5%", "25%", "60%"]
    assert all(float(row["all"].removesuffix(" s")) >= 0 for row in rows)
