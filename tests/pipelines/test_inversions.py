"""Textual inversion: vectors from a file stand in a prompt, as diffusers puts them there, and leave nothing behind."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from configs.settings import Settings
from masking.errors import InvalidValue, ModelMissing
from pipelines import inversions, presets
from pipelines.checkpoints import find
from pipelines.families import families
from pipelines.inversions import Mention
from pipelines.planning import resolve
from pipelines.plans import Painting
from pipelines.presets import PresetDownload
from pipelines.tasks.text_to_image import TextToImage
from tests import toys
from tests.pipelines.recipes import paint, recipe
from tests.pipelines.stock import _pipeline, stock

KINDS = {"sd": diffusers.StableDiffusionPipeline, "xl": diffusers.StableDiffusionXLPipeline}
RNG = torch.Generator().manual_seed(0)
VECTORS = {"clip_l": torch.randn(2, 16, generator=RNG), "clip_g": torch.randn(2, 24, generator=RNG)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("home") / "models"
    toys.stable_diffusion(models / "checkpoints" / "sd")
    toys.sdxl(models / "checkpoints" / "xl")
    folder = models / "embeddings"
    (folder / "sub").mkdir(parents=True)
    save_file({"emb_params": VECTORS["clip_l"]}, folder / "sd.safetensors")
    save_file(VECTORS, folder / "sub" / "xl.safetensors")
    save_file({"emb_params": torch.ones(2, 17)}, folder / "wide.safetensors")
    a1111 = {"string_to_token": {"*": 265}, "string_to_param": {"*": VECTORS["clip_l"]}, "name": "old", "step": 9}
    torch.save(a1111, folder / "old.pt")
    torch.save({"<thing>": VECTORS["clip_l"][0]}, folder / "one.bin")
    return Settings(models_path=models, device="cpu")


@pytest.fixture(scope="module", params=KINDS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str, home: Settings) -> Any:
    found = find(name, home)
    return families()[found.family].load(found, "cpu", home)


@pytest.fixture
def toy(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Presets for both checkpoints."""
    for name in KINDS:
        (tmp_path / f"{name}.json").write_text(json.dumps({"default_model": name, "default_aspect_ratio": "64*64"}))
    monkeypatch.setattr(presets, "FOLDER", tmp_path)
    return dataclasses.replace(home, preset="sd", output_path=tmp_path / "out")


def asked(prompt: str, **more: Any) -> Painting:
    told = {"sampler": "euler", "scheduler": "normal", "clip_skip": 2, "steps": 2} | more
    return Painting(recipe=recipe(prompt=prompt, **told), seed=1, width=64, height=64)


@pytest.fixture
def theirs(name: str, home: Settings) -> Iterator[Any]:
    """diffusers' pipeline, told what "<x>" means."""
    pipe, _ = _pipeline(home.models_path / "checkpoints" / name, KINDS[name])
    pipe.load_textual_inversion({"x": VECTORS["clip_l"]}, token="<x>")
    if name == "xl":
        second = {"text_encoder": pipe.text_encoder_2, "tokenizer": pipe.tokenizer_2}
        pipe.load_textual_inversion({"x": VECTORS["clip_g"]}, token="<x>", **second)
    yield pipe
    pipe.unload_textual_inversion("<x>")
    if name == "xl":
        pipe.unload_textual_inversion("<x>", **second)


def test_a_prompt_with_an_embedding_is_bit_equal_to_diffusers_and_leaves_nothing_behind(name, home, model, theirs):
    before = paint(model, asked("a ball, red"))
    ours = paint(model, asked(f"a embedding:{name}, red", negative_prompt=f"embedding:{name}"))
    folder = home.models_path / "checkpoints" / name
    told = dataclasses.replace(asked("a <x>, red").recipe, negative_prompt="<x>")
    first = 2 if name == "xl" else 1
    expected = stock(folder, KINDS[name], told, seed=1, width=64, height=64, clip_skip_from=first)
    np.testing.assert_array_equal(ours, expected)
    assert (ours != paint(model, asked("a , red", negative_prompt=""))).any()
    np.testing.assert_array_equal(paint(model, asked("a ball, red")), before)


def test_an_embedding_can_be_weighed(name, model):
    plain, heavy = (paint(model, asked(f"a {told} ball")) for told in (f"embedding:{name}", f"(embedding:{name}:1.0)"))
    np.testing.assert_array_equal(plain, heavy)
    assert (paint(model, asked(f"a (embedding:{name}:1.8) ball")) != plain).any()


def test_an_embedding_counts_its_vectors_where_a_prompt_is_too_long(name, model):
    words = " ".join(["x"] * 74)
    assert model.encode_prompt(asked(words)).lost == ""
    assert model.encode_prompt(asked(f"embedding:{name} {words}")).lost != ""
    paint(model, asked(f"{words} embedding:{name}"))


def test_files_of_every_form_give_the_same_vectors(home):
    for file in ("sd", "sd.safetensors", "old", "old.pt"):
        assert torch.equal(inversions.Inversions("stable_diffusion", "clip_l", home).vectors(file), VECTORS["clip_l"])
    one = inversions.Inversions("stable_diffusion", "clip_l", home).vectors("one")
    assert torch.equal(one, VECTORS["clip_l"][:1])


def test_a_file_that_has_changed_is_read_anew(home):
    place = home.models_path / "embeddings" / "changing.safetensors"
    for value in (1.0, 2.0):
        save_file({"emb_params": torch.full((int(value), 16), value)}, place)
        vectors = inversions.Inversions("stable_diffusion", "clip_l", home).vectors("changing")
        assert torch.equal(vectors, torch.full((int(value), 16), value))


@pytest.mark.parametrize(
    ("checkpoint", "prompt", "told"),
    [
        ("sd", "embedding:wide", "17 wide.* 16"),
        ("sd", "embedding:xl", "nothing for the text encoder clip_l"),
        ("xl", "embedding:sd", "nothing for the text encoder"),
        ("sd", "(embedding:sdd:1.2)", "There is no embedding 'sdd'.*sd.safetensors"),
        ("sd", "embedding:../checkpoints/sd", "There is no embedding"),
    ],
)
@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_what_cannot_be_used_is_refused_before_it_is_queued(home, toy, checkpoint, prompt, told, field):
    with pytest.raises(InvalidValue, match=told) as caught:
        resolve(TextToImage(preset=checkpoint, **{field: prompt}), toy)
    assert caught.value.field == field


def test_one_that_the_preset_can_fetch_says_so(home, toy):
    preset = presets.load("sd", toy.models_path.parent)
    wanted = PresetDownload(folder="embeddings", name="far.safetensors", url="https://example.com/far")
    preset = dataclasses.replace(preset, downloads=(wanted,))
    with pytest.raises(ModelMissing, match=r"far\.safetensors.*download sd"):
        inversions.check("embedding:far", "prompt", find("sd", toy), preset, toy)


def test_where_a_mention_ends():
    pieces = list(inversions.split("a embedding:one, (EMBEDDING:two:1.2). embedding:three. myembedding:no"))
    assert [piece.name for piece in pieces if isinstance(piece, Mention)] == ["one", "two", "three"]
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == "a , (:1.2). . myembedding:no"
