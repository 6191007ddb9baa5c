"""The benchmark of memory sees what a piece of work held at its peak, though it has let go of it."""

import sys

import numpy as np
import pytest

from benchmarks import peaks


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_it_tells_the_peak(capsys: pytest.CaptureFixture[str]) -> None:
    peaks._tell("noise", 64, 2**20, lambda: float(np.ones(32 * 2**20, np.uint8).sum()))
    name, side, mebibytes, each = (cell.strip() for cell in capsys.readouterr().out.strip(" |\n").split("|"))
    assert (name, side) == ("noise", "64")
    assert 30 <= int(mebibytes) < 200
    assert 7 < float(each) < 50
