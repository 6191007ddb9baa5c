"""Fixtures for tests over HTTP: one server for most of them, with toy models, and what they send to it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, ready
from tests.toy_flow import flux
from tests.toy_masks import red_finder
from tests.toys import sdxl, stable_diffusion, vae


@pytest.fixture(scope="session")
def toy_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder whose starter checkpoint and mask model are toys."""
    models = tmp_path_factory.mktemp("home") / "models"
    stable_diffusion(models / "checkpoints" / "gesso-starter", unet_channels=9)
    stable_diffusion(models / "checkpoints" / "sub" / "other", seed=1)
    sdxl(models / "checkpoints" / "large")
    flux(models / "checkpoints" / "flows")
    red_finder(models / "rembg" / "gesso-salient.onnx")
    vae(models / "vae" / "other.safetensors")
    vae(models / "vae" / "sub" / "folder", seed=2)
    vae(models / "vae" / "wide.safetensors", latent_channels=16)
    (models / "loras").mkdir()
    (models / "loras" / "there.safetensors").write_bytes(b"")
    vae(models / "loras" / "wide.safetensors")  # no LoRA at all
    users_presets(models.parent / "presets")
    return models


def users_presets(folder: Path) -> None:
    """A preset as Fooocus writes it, a damaged one, and one that needs what is not there."""
    folder.mkdir()
    mine = {"default_model": "gesso-starter", "default_prompt": "a red ball", "default_cfg_scale": 3.0}
    mine |= {"default_sampler": "ddim", "default_scheduler": "karras", "default_aspect_ratio": "64*96"}
    mine |= {"default_overwrite_step": 2, "default_vae": "other.safetensors", "default_sample_sharpness": 7.0}
    mine |= {"default_loras": [[True, "None", 1.0], [False, "x.safetensors", 1.0]], "default_styles": ["SAI Anime"]}
    (folder / "mine.json").write_text(json.dumps(mine), encoding="utf-8")
    (folder / "broken.json").write_text("{", encoding="utf-8")
    told = {"default_model": "far.safetensors", "checkpoint_downloads": {"far.safetensors": "https://example.com/far"}}
    (folder / "far.json").write_text(json.dumps(told), encoding="utf-8")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """A server that is ready."""
    with ready(tmp_path_factory.mktemp("server"), toy_models) as running:
        yield running


@pytest.fixture(scope="session")
def made_png(server: Running) -> str:
    """The URL of a PNG that the server has made."""
    url: str = server.made(prompt="made once", aspect_ratios_selection="64*64")["result"][0]
    return url


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """72 × 56 pixels without any two alike, so that a shift or a change shows."""
    noise = np.random.default_rng(1).integers(0, 256, (56, 72, 3), dtype=np.uint8)
    return Image.fromarray(noise)


@pytest.fixture(scope="session")
def box_mask() -> Image.Image:
    """White from (20, 16) to (44, 40) on black, the photo's size."""
    mask = Image.new("L", (72, 56))
    mask.paste(255, (20, 16, 44, 40))
    return mask
