"""The benchmark of painting drives the page's own canvas."""

import shutil

import pytest

from benchmarks import painting
from benchmarks.__main__ import tables


@pytest.mark.skipif(not any(map(shutil.which, painting.NAMES)), reason="there is no Chromium")
def test_it_tells_frames_and_changes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painting, "SIDE", 512)
    monkeypatch.setattr(painting, "STROKES", ((64, 1.0),))
    painting.run(cases=20)
    strokes, changes = tables(capsys.readouterr().out)
    assert float(strokes[0]["ms a frame, median"]) > 0
    assert float(strokes[0]["own work in it, median"]) > 0
    assert {"undo", "grow by 16", "the file that is sent"} <= {row["change of the whole mask"] for row in changes}
