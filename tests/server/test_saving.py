"""How a picture gets to the disk."""

from pathlib import Path

import pytest
from PIL import Image

from server.outputs import Outputs

PICTURE = Image.new("RGB", (8, 6), "red")


def test_nothing_lies_under_a_name_before_it_is_reserved(tmp_path: Path) -> None:
    reserved: list[Path] = []

    def reserve(day: str, file: str) -> None:
        reserved.append(tmp_path / day / file)
        assert not reserved[0].exists()

    saved = Outputs(tmp_path).save(PICTURE, form="png", reserve=reserve)
    assert reserved == [tmp_path / saved.day / saved.file]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == reserved
    with Image.open(reserved[0]) as read:
        assert read.tobytes() == PICTURE.tobytes()


def test_a_name_that_cannot_be_reserved_leaves_nothing(tmp_path: Path) -> None:
    def reserve(day: str, file: str) -> None:
        raise RuntimeError("the database is full")

    outputs = Outputs(tmp_path)
    with pytest.raises(RuntimeError, match="is full"):
        outputs.save(PICTURE, form="png", name="one", reserve=reserve)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert outputs.save(PICTURE, form="png", name="one").file == "one.png"
