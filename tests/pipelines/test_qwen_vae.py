"""Another VAE for Qwen-Image, by request: as a folder, and as a file in both of the layouts that there are."""

import shutil
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from configs.settings import Settings
from masking.errors import BrokenModel, InvalidValue
from pipelines.checkpoints import find
from pipelines.families import families
from pipelines.planning import resolve
from pipelines.plans import Painting
from pipelines.tasks.text_to_image import TextToImage
from tests import toy_flow, toys
from tests.pipelines.recipes import paint, recipe, repainting
from tests.single_flow import video_vae_name


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Checkpoints `own` and `other`, which differ in their VAEs, and the VAE of `other` in all forms."""
    folder = tmp_path_factory.mktemp("home")
    models = folder / "models"
    own = toy_flow.qwen_image(models / "checkpoints" / "own")
    autoencoder(own / "vae", seed=1)
    other = Path(shutil.copytree(own, models / "checkpoints" / "other"))
    state = autoencoder(other / "vae", seed=2).state_dict()
    shutil.copytree(other / "vae", models / "vae" / "folder")
    save_file(state, models / "vae" / "plain.safetensors")
    save_file({video_vae_name(name): value for name, value in state.items()}, models / "vae" / "published.safetensors")
    state.pop("decoder.conv_out.bias")
    save_file(state, models / "vae" / "cut.safetensors")
    toys.vae(models / "vae" / "of-pictures.safetensors", latent_channels=16)
    toys.vae(models / "vae" / "of-pictures")
    return Settings(models_path=models, output_path=folder / "out", preset="starter", device="cpu")


def autoencoder(folder: Path, *, seed: int) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = diffusers.AutoencoderKLQwenImage(base_dim=4, z_dim=toy_flow.CHANNELS)
    shutil.rmtree(folder)
    made.save_pretrained(folder)
    return made


def load(name: str, home: Settings) -> Any:
    return families()["qwen_image"].load(find(name, home), "cpu", home)


def test_it_paints_as_a_checkpoint_that_brings_it(home: Settings) -> None:
    own, other = load("own", home), load("other", home)
    told = recipe(sampler="euler", scheduler="simple", steps=2)
    asked = [Painting(recipe=told, seed=3, width=64, height=64), repainting(told)]
    expected = [paint(other, one) for one in asked]
    before = [paint(own, one) for one in asked]
    for name in ("folder", "plain.safetensors", "published.safetensors"):
        plan = resolve(TextToImage(checkpoint="own", vae=name, width=64, height=64), home)
        assert plan.recipe.vae == name
        model = own.with_vae(home.models_path / "vae" / name)
        assert model.transformer is own.transformer
        for one, wanted in zip(asked, expected, strict=True):
            np.testing.assert_array_equal(paint(model, one), wanted)
    for one, usual, wanted in zip(asked, before, expected, strict=True):
        np.testing.assert_array_equal(paint(own, one), usual)
        assert (usual != wanted).any()


@pytest.mark.parametrize("name", ["of-pictures.safetensors", "of-pictures"])
def test_a_vae_of_another_kind_is_refused(home: Settings, name: str) -> None:
    with pytest.raises(InvalidValue, match="made for other checkpoints"):
        resolve(TextToImage(checkpoint="own", vae=name), home)


def test_one_that_lacks_a_weight_is_named(home: Settings) -> None:
    with pytest.raises(BrokenModel, match=r"cut\.safetensors.*conv_out\.bias"):
        load("own", home).with_vae(home.models_path / "vae" / "cut.safetensors")
