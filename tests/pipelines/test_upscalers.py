"""Upscalers by themselves: which there are, what is refused, and that tiles leave no seam."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from configs.settings import Settings
from masking.errors import BrokenModel, InvalidValue
from pipelines import presets, upscalers
from pipelines.planning import resolve
from pipelines.tasks.upscale import Upscale, UpscalePlan
from tests.pipelines.recipes import picture
from tests.toy_upscalers import compact


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    compact(tmp_path / "upscale_models" / "b_2x.pth")
    compact(tmp_path / "upscale_models" / "a_four.bin", scale=4)
    (tmp_path / "upscale_models" / "notes.txt").write_text("no model")
    return Settings(models_path=tmp_path)


def test_the_smallest_scale_that_reaches_the_factor_is_taken_unless_another_is_named(settings):
    shelf = upscalers.shelf(settings)
    assert shelf.choose(None, 2.0) == "b_2x.pth"
    assert shelf.choose(None, 2.1) == "a_four.bin"  # a name that tells no scale counts as ×4
    assert shelf.choose(None, 5.0) == "a_four.bin"
    assert shelf.choose("a_four.bin", 1.5) == "a_four.bin"
    with pytest.raises(InvalidValue, match=r"near it: b_2x\.pth"):
        shelf.choose("b_2x", 2.0)


def test_a_users_own_comes_before_gessos():
    shelf = upscalers.Shelf(folders=(("sharp_x4.pth",), ("starter-x2.pth", "starter-x4.pth")))
    assert shelf.choose(None, 2.0) == "sharp_x4.pth"
    assert shelf.choose("starter-x2.pth", 4.0) == "starter-x2.pth"
    assert upscalers.Shelf(folders=((), shelf.folders[1])).choose(None, 1.5) == "starter-x2.pth"
    assert upscalers.Shelf(folders=((), ())).choose(None, 2.0) == ""


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("4x-UltraSharp.pth", 4),
        ("RealESRGAN_x2plus.pth", 2),
        ("gesso-starter-x2.safetensors", 2),
        ("2xNomos.pth", 2),
        ("8x_super.bin", 8),
        ("fooocus_upscaler_s409985e5.bin", 4),
        ("max4you.pth", 4),
    ],
)
def test_a_name_may_tell_its_scale(name, scale):
    assert upscalers.scale_told(name) == scale


@pytest.mark.parametrize(("name", "scale"), [("a_four.bin", 4), ("b_2x.pth", 2)])
def test_the_file_tells_architecture_and_scale(settings, name, scale):
    upscaler = upscalers.load(name, settings, "cpu")
    assert upscaler.scale == scale
    assert upscaler.enlarge(picture(40, 24)).shape == (24 * scale, 40 * scale, 3)


def test_tiles_leave_no_seam(settings, monkeypatch):
    upscaler = upscalers.load("b_2x.pth", settings, "cpu")
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


@pytest.mark.parametrize(("preset", "told"), [("starter", False), ("default", True)])
def test_gessos_own_upscaler_takes_anothers_place_and_says_so(tmp_path, models_path, toy_presets, preset, told):
    expected = presets.load(preset).upscaler
    file = toy_presets / "toy9.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"default_upscaler": expected}), encoding="utf-8")
    Image.fromarray(picture(40, 24)).save(tmp_path / "i.png")
    settings = Settings(models_path=models_path, preset="toy9")
    asked = Upscale(image=tmp_path / "i.png", factor=2.0, fast=True)
    assert any("picture-book" in warning for warning in resolve(asked, settings).warnings) == told
    named = dataclasses.replace(asked, upscaler="gesso-starter-x4.safetensors")
    assert resolve(named, settings).warnings == ()


def test_without_any_upscaler_lanczos_enlarges_and_is_told(tmp_path, models_path, toy_presets, monkeypatch):
    monkeypatch.setattr("configs.models.STARTER", tmp_path)
    settings = Settings(models_path=models_path, preset="toy9")
    Image.fromarray(picture(40, 24)).save(tmp_path / "i.png")
    plan = resolve(Upscale(image=tmp_path / "i.png", factor=2.0, fast=True), settings)
    assert isinstance(plan, UpscalePlan)
    assert plan.upscaler == ""
    assert any("Lanczos" in warning for warning in plan.warnings)
    with pytest.raises(StopIteration) as end:
        next(plan.draw(plan.shots[0]))
    lanczos = Image.fromarray(picture(40, 24)).resize((80, 48), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(end.value.value, np.asarray(lanczos))
