"""What a segmenter made of a picture is kept for the next click, as long as that segmenter is the same."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from configs.settings import Settings
from masking.made import Stopwatch
from masking.objects import Workshop
from masking.pictures import Picture
from masking.residency import Residency
from tests.toy_segmenters import sam


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    Image.radial_gradient("L").convert("RGB").save(tmp_path / "picture.png")
    return Picture(tmp_path / "picture.png")


def test_a_segmenter_that_was_replaced_looks_at_the_picture_anew(tmp_path, picture):
    folder = sam(tmp_path / "models" / "sam" / "mine")
    workshop = Workshop(Residency(), replace(Settings(), models_path=tmp_path / "models"), "cpu")
    first, again = (workshop.embedding("mine", picture, Stopwatch()) for _ in range(2))
    assert again is first
    sam(folder, seed=1)
    os.utime(folder / "model.safetensors", ns=(0, 1))  # whatever the file system's clock
    assert workshop.embedding("mine", picture, Stopwatch()) is not first
