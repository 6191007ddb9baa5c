"""What a machine says of its memory."""

import psutil
import pytest

from masking import machine
from masking.machine import Machine

GIB = 2**30


@pytest.fixture
def container(tmp_path, monkeypatch):
    """The folder where a container's limits stand; empty at first."""
    monkeypatch.setattr(machine, "CONTAINER", tmp_path)
    return tmp_path


def test_without_a_container_the_main_memory_is_the_machines(container):
    room = Machine("cpu").main()
    assert room.total == psutil.virtual_memory().total
    assert 0 < room.free <= room.total


@pytest.mark.parametrize(("read", "free"), [(None, GIB // 4), (GIB // 2, 3 * GIB // 4), (-1, GIB // 4)])
def test_in_a_container_files_that_were_read_take_no_room(container, read, free):
    (container / "memory.max").write_text(str(GIB))
    (container / "memory.current").write_text(str(3 * GIB // 4))
    if read is not None:
        (container / "memory.stat").write_text(
            f"anon 5\ninactive_file {read}\n" if read >= 0 else "not\nas expected it is"
        )
    assert Machine("cpu").main() == machine.Room(free=free, total=GIB)


def test_a_container_without_limit_has_what_the_machine_has(container):
    (container / "memory.max").write_text("max")
    (container / "memory.current").write_text("5")
    assert Machine("cpu").main().total == psutil.virtual_memory().total
