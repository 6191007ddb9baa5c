"""What a segmenter made of a picture is kept for the next click, as long as that segmenter is the same."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from configs.settings import Settings
from masking import detectors
from masking.made import Stopwatch
from masking.objects import Workshop
from masking.pictures import Picture
from masking.residency import Residency
from tests import toy_detectors
from tests.toy_segmenters import sam


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    Image.radial_gradient("L").convert("RGB").save(tmp_path / "picture.png")
    return Picture(tmp_path / "picture.png")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("original", [False, True])
def test_new_words_look_at_the_picture_no_more(tmp_path: Path, original: bool) -> None:
    folder = tmp_path / "models" / "grounding_dino"
    name = "groundingdino_toy" if original else "toy"
    make = toy_detectors.original_grounding_dino if original else toy_detectors.grounding_dino
    make(folder / (f"{name}.pth" if original else name))
    settings = replace(Settings(), models_path=tmp_path / "models")
    same, fresh = (detectors.shelf.load(name, settings) for _ in range(2))
    any_score = {"box_threshold": 0.0, "text_threshold": 0.0}
    strip = Image.radial_gradient("L").convert("RGB").resize((240, 16))  # which the original sees in 1333 × 89
    strip.save(tmp_path / "picture.png")
    same.find(Picture(tmp_path / "picture.png"), ("red cat",), **any_score)
    blind = Picture(tmp_path / "picture.png")
    (tmp_path / "picture.png").rename(tmp_path / "elsewhere.png")
    told = same.find(blind, ("blue car", "ball"), **any_score)
    wanted = fresh.find(Picture(tmp_path / "elsewhere.png"), ("blue car", "ball"), **any_score)
    assert [(one.box, one.score, one.phrase) for one in told] == [(one.box, one.score, one.phrase) for one in wanted]
    assert told


def test_a_segmenter_that_was_replaced_looks_at_the_picture_anew(tmp_path, picture):
    folder = sam(tmp_path / "models" / "sam" / "mine")
    workshop = Workshop(Residency(), replace(Settings(), models_path=tmp_path / "models"), "cpu")
    first, again = (workshop.embedding("mine", picture, Stopwatch()) for _ in range(2))
    assert again is first
    sam(folder, seed=1)
    os.utime(folder / "model.safetensors", ns=(0, 1))  # whatever the file system's clock
    assert workshop.embedding("mine", picture, Stopwatch()) is not first
