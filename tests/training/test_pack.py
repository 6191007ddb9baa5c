"""Trained parts become starter weights: half as large, loadable, and nothing else is touched."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from configs.settings import Settings
from pipelines import upscalers
from training import captioner, pack, upscaler


@pytest.fixture
def starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack that holds something already."""
    folder = tmp_path / "starter"
    (folder / "rembg").mkdir(parents=True)
    (folder / "rembg" / "gesso-salient.onnx").write_bytes(b"as it was")
    monkeypatch.setattr(pack, "STARTER", folder)
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Upscalers and a captioner that no one trained, and a mask model."""
    torch.manual_seed(0)
    folder = tmp_path / "runs"
    for part in ("upscaler", "salient"):
        (folder / part).mkdir(parents=True)
    for scale in upscaler.SCALES:
        network = upscaler.build(scale)
        save_file(network.state_dict(), folder / "upscaler" / f"gesso-starter-x{scale}.safetensors")
    (folder / "salient" / "gesso-salient.onnx").write_bytes(b"new")
    processor = captioner.make_processor()
    for made in (captioner.build(processor), processor):
        made.save_pretrained(folder / "captioner" / "gesso-captioner")
    return folder


def test_only_the_named_parts_are_written(starter: Path, runs: Path) -> None:
    pack.run(runs / "pack", only=["upscaler"])
    assert {path.name for path in starter.iterdir()} == {"rembg", "upscale_models"}
    assert (starter / "rembg" / "gesso-salient.onnx").read_bytes() == b"as it was"
    for scale in upscaler.SCALES:
        packed = load_file(starter / "upscale_models" / f"gesso-starter-x{scale}.safetensors")
        assert {weight.dtype for weight in packed.values()} == {torch.float16}


def test_without_names_every_part_that_has_a_run_is_written(starter: Path, runs: Path) -> None:
    pack.run(runs / "pack")
    assert {path.name for path in starter.iterdir()} == {"rembg", "upscale_models", "describe"}
    assert (starter / "rembg" / "gesso-salient.onnx").read_bytes() == b"new"


@pytest.mark.parametrize("scale", upscaler.SCALES)
def test_what_is_packed_is_an_upscaler_of_its_scale(
    starter: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, scale: int
) -> None:
    pack.run(runs / "pack", only=["upscaler"])
    monkeypatch.setattr("configs.models.STARTER", starter)
    loaded = upscalers.load(f"gesso-starter-x{scale}.safetensors", Settings(models_path=starter / "none"), "cpu")
    assert loaded.scale == scale
    assert loaded.enlarge(np.zeros((20, 24, 3), np.uint8)).shape == (20 * scale, 24 * scale, 3)


def test_a_packed_captioner_writes_words_of_the_world(starter: Path, runs: Path) -> None:
    from transformers import BlipForConditionalGeneration, BlipProcessor

    pack.run(runs / "pack", only=["captioner"])
    folder = starter / "describe" / "gesso-captioner"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2.5 * 2**20
    processor, blip = BlipProcessor.from_pretrained(folder), BlipForConditionalGeneration.from_pretrained(folder)
    assert blip.dtype == torch.float16
    given = processor(images=Image.new("RGB", (40, 30), "red"), return_tensors="pt")
    assert given["pixel_values"].shape == (1, 3, captioner.SIDE, captioner.SIDE)
    words = processor.tokenizer("an orange ball, a blue boat and a star at sunset").input_ids
    assert processor.tokenizer.unk_token_id not in words
