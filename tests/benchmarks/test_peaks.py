"""The benchmark of memory sees what a piece of work held at its peak, though it has let go of it."""

import mmap
import sys

import pytest

from benchmarks import peaks


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_it_tells_the_peak(capsys: pytest.CaptureFixture[str]) -> None:
    size = 32 * 2**20

    def work() -> None:
        with mmap.mmap(-1, size) as pages:  # always new ones, where an allocator may use again what it held before
            for _ in range(32):
                pages.write(b"x" * 2**20)

    peaks._tell("noise", 64, 2**20, work)
    name, side, mebibytes, each = (cell.strip() for cell in capsys.readouterr().out.strip(" |\n").split("|"))
    assert (name, side) == ("noise", "64")
    assert 30 <= int(mebibytes) < 200
    assert 7 < float(each) < 50
