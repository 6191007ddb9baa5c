"""Upscalers by themselves: which there are, what is refused, and that tiles leave no seam."""

from pathlib import Path

import numpy as np
import pytest
import torch

from configs.settings import Settings
from masking.errors import BrokenModel, InvalidValue
from pipelines import upscalers
from tests.pipelines.recipes import picture
from tests.toy_upscalers import compact


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    compact(tmp_path / "upscale_models" / "b_two.pth")
    compact(tmp_path / "upscale_models" / "a_four.bin", scale=4)
    (tmp_path / "upscale_models" / "notes.txt").write_text("no model")
    return Settings(models_path=tmp_path)


def test_the_first_one_is_taken_unless_another_is_named(settings):
    assert list(upscalers.installed(settings))[:2] == ["a_four.bin", "b_two.pth"]
    assert upscalers.choose(None, settings) == "a_four.bin"
    assert upscalers.choose("b_two.pth", settings) == "b_two.pth"
    with pytest.raises(InvalidValue, match=r"near it: b_two\.pth"):
        upscalers.choose("b_two", settings)


@pytest.mark.parametrize(("name", "scale"), [("a_four.bin", 4), ("b_two.pth", 2)])
def test_the_file_tells_architecture_and_scale(settings, name, scale):
    upscaler = upscalers.load(name, settings, "cpu")
    assert upscaler.scale == scale
    assert upscaler.enlarge(picture(40, 24)).shape == (24 * scale, 40 * scale, 3)


def test_tiles_leave_no_seam(settings, monkeypatch):
    upscaler = upscalers.load("b_two.pth", settings, "cpu")
    pixels = picture(150, 90)
    whole = upscaler.enlarge(pixels)
    monkeypatch.setattr(upscalers, "TILE", 40)
    assert len(upscalers._spans(150)) == 4
    np.testing.assert_allclose(upscaler.enlarge(pixels).astype(int), whole, atol=1)


def test_a_file_that_is_no_upscaler_is_named(settings, tmp_path):
    torch.save({"weight": torch.ones(3)}, tmp_path / "upscale_models" / "other.pth")
    (tmp_path / "upscale_models" / "broken.safetensors").write_bytes(b"nothing")
    for name in ("other.pth", "broken.safetensors"):
        with pytest.raises(BrokenModel, match=name.split(".")[0]):
            upscalers.load(name, settings, "cpu")
