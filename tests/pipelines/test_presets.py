"""Preset files, as Fooocus and its users write them."""

import json
from pathlib import Path
from typing import Any

import pytest

from masking.errors import InvalidValue, ModelMissing
from pipelines import presets
from pipelines.planning import resolve
from pipelines.tasks.text_to_image import TextToImage


def written(folder: Path, **more: Any) -> Path:
    told = {"default_model": "toy9", "default_aspect_ratio": "64*64", "default_overwrite_step": 2} | more
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own.json").write_text(json.dumps(told), encoding="utf-8")
    return folder / "own.json"


def test_loras_are_read_in_the_old_and_in_the_new_form(tmp_path):
    told = [["a", 0.5], [True, "b", 1], [False, "c", 1], ["None", 1.0], ["d", 0]]
    preset = presets.read(written(tmp_path / "p", default_loras=told))
    assert [(lora.name, lora.weight) for lora in preset.loras] == [("a", 0.5), ("b", 1.0)]


def test_null_is_as_if_it_were_not_there(tmp_path):
    preset = presets.read(written(tmp_path / "p", default_styles=None, default_vae=None, default_cfg_scale=None))
    assert (preset.styles, preset.vae, preset.guidance_scale) == ((), "", 7.0)


def test_a_file_that_has_changed_is_read_again(tmp_path):
    place = written(tmp_path / "p", default_cfg_scale=3)
    assert presets.read(place).guidance_scale == 3
    assert presets.read(written(tmp_path / "p", default_cfg_scale=4.5)).guidance_scale == 4.5
    place.unlink()
    with pytest.raises(InvalidValue, match=r"own\.json"):
        presets.read(place)


@pytest.mark.parametrize(
    "more", [{"default_aspect_ratio": "wide"}, {"default_loras": [5]}, {"default_cfg_scale": "much"}]
)
def test_a_file_that_makes_no_sense_is_refused_by_its_name(tmp_path, more):
    with pytest.raises(InvalidValue, match=r"own\.json"):
        presets.read(written(tmp_path / "p", **more))


def test_a_users_preset_takes_the_place_of_ours(tmp_path):
    folder = tmp_path / "home" / "presets"
    written(folder).rename(folder / "starter.json")
    assert presets.load("starter", tmp_path / "home").checkpoint == "toy9"
    assert presets.load("starter").checkpoint == "gesso-starter"


def test_a_presets_lora_that_is_missing_is_refused_but_for_fooocus_default(settings, toy_presets):
    written(toy_presets, default_loras=[["film.safetensors", 0.5]])
    with pytest.raises(ModelMissing, match=r"film\.safetensors") as refused:
        resolve(TextToImage(preset="own"), settings)
    assert refused.value.field == "preset"
    assert resolve(TextToImage(preset="own", loras=()), settings).recipe.checkpoint == "toy9"
    written(toy_presets, default_loras=[["sd_xl_offset_example-lora_1.0.safetensors", 0.1]])
    assert any("offset" in warning for warning in resolve(TextToImage(preset="own"), settings).warnings)


def test_a_presets_refiner_is_left_out_and_told(settings, toy_presets):
    written(toy_presets, default_refiner="sd_xl_refiner_1.0.safetensors")
    assert any("refiner" in warning for warning in resolve(TextToImage(preset="own"), settings).warnings)
