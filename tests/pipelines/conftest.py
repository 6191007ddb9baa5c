"""Toy checkpoints, written once, in a models folder as a user's would be."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from configs.settings import Settings
from pipelines import presets
from pipelines.checkpoints import find
from pipelines.families import Model, families
from tests import toys


def pytest_configure(config: pytest.Config) -> None:
    # diffusers 0.42 hands tensors to numpy 2.4 in ways that it warns of; nothing of ours is meant.
    for name in ("__array__", "__array_wrap__"):
        config.addinivalue_line("filterwarnings", f"ignore:{name} :DeprecationWarning")


@pytest.fixture(scope="session")
def models_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)  # toys gain nothing from more, and threads that share a busy machine wait for each other
    folder = tmp_path_factory.mktemp("models")
    toys.stable_diffusion(folder / "checkpoints" / "toy4")
    toys.stable_diffusion(folder / "checkpoints" / "toy9", unet_channels=9)
    for name, channels in (("toy8", 8), ("toy17", 17)):
        toys.stable_diffusion(folder / "checkpoints" / name, unet_channels=channels, latent_channels=8)
    toys.sdxl(folder / "checkpoints" / "xl4")
    toys.sdxl(folder / "checkpoints" / "xl9", unet_channels=9)
    return folder


@pytest.fixture
def settings(models_path: Path, tmp_path: Path, toy_presets: Path) -> Settings:
    return Settings(models_path=models_path, output_path=tmp_path, preset="toy9", device="cpu")


@pytest.fixture
def toy_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Presets toy4 and toy9 beside the real ones: 64 × 64 pixels, 2 steps."""
    folder = tmp_path / "presets"
    folder.mkdir()
    for path in presets.FOLDER.glob("*.json"):
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("toy4", "toy9"):
        told: dict[str, object] = {"default_model": name, "default_aspect_ratio": "64*64", "default_overwrite_step": 2}
        told |= {"default_sampler": "euler", "default_clip_skip": 1, "default_cfg_scale": 4.0}
        (folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setattr(presets, "FOLDER", folder)
    return folder


def _loaded(name: str) -> Any:
    """A fixture: the toy of that name, loaded once."""

    @pytest.fixture(scope="session", name=name)
    def load(models_path: Path) -> Model:
        settings = Settings(models_path=models_path)
        checkpoint = find(name, settings)
        return families()[checkpoint.family].load(checkpoint, "cpu", settings)

    return load


toy4, toy9, toy8, toy17, xl4, xl9 = map(_loaded, ("toy4", "toy9", "toy8", "toy17", "xl4", "xl9"))
