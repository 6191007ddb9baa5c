"""Put trained parts into `models/starter/`, in half precision, as any checkpoint is laid out.

`python -m training pack` writes every part that has a run, `python -m training pack upscaler` that one alone; what is
not written stays as it is, byte for byte.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from configs.models import STARTER
from training.latents import deepest


def _checkpoint(runs: Path) -> None:
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionInpaintPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    from training.denoiser import SCHEDULE

    half = {"torch_dtype": torch.float16}
    checkpoint = STARTER / "checkpoints" / "gesso-starter"
    shutil.rmtree(checkpoint, ignore_errors=True)
    StableDiffusionInpaintPipeline(
        vae=AutoencoderKL.from_pretrained(_autoencoder(runs), **half),
        text_encoder=CLIPTextModel.from_pretrained(runs / "denoiser" / "text_encoder", **half),
        tokenizer=CLIPTokenizer.from_pretrained(runs / "words" / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(runs / "denoiser" / "unet", **half),
        scheduler=DDIMScheduler(**SCHEDULE, set_alpha_to_one=False, steps_offset=1, timestep_spacing="leading"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(checkpoint)
    for part in ("unet", "vae"):  # where it lay when it was trained is nobody's business
        config = checkpoint / part / "config.json"
        told = json.loads(config.read_text(encoding="utf-8"))
        told.pop("_name_or_path", None)
        config.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _autoencoder(runs: Path) -> Path:
    """The one that the denoiser was trained with, its decoder trained on if that has been done."""
    trained_on = runs / "decoder" / "vae"
    return trained_on if trained_on.is_dir() else deepest(runs)


def _salient(runs: Path) -> None:
    folder = STARTER / "rembg"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(runs / "salient" / "gesso-salient.onnx", folder / "gesso-salient.onnx")


def _upscaler(runs: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = STARTER / "upscale_models"
    folder.mkdir(parents=True, exist_ok=True)
    for trained in sorted((runs / "upscaler").glob("*.safetensors")):
        save_file({name: weight.half() for name, weight in load_file(trained).items()}, folder / trained.name)


def _captioner(runs: Path) -> None:
    from transformers import BlipForConditionalGeneration, BlipProcessor

    trained, folder = runs / "captioner" / "gesso-captioner", STARTER / "describe" / "gesso-captioner"
    shutil.rmtree(folder, ignore_errors=True)
    BlipForConditionalGeneration.from_pretrained(trained, dtype=torch.float16).save_pretrained(folder)
    BlipProcessor.from_pretrained(trained).save_pretrained(folder)


def _sam(runs: Path) -> None:
    from transformers import SamImageProcessor, SamModel

    trained, folder = runs / "sam" / "model", STARTER / "sam" / "gesso-sam"
    shutil.rmtree(folder, ignore_errors=True)
    SamModel.from_pretrained(trained, dtype=torch.float16).save_pretrained(folder)
    SamImageProcessor.from_pretrained(trained).save_pretrained(folder)


def _dino(runs: Path) -> None:
    from transformers import GroundingDinoForObjectDetection, GroundingDinoProcessor

    trained, folder = runs / "dino" / "model", STARTER / "grounding_dino" / "gesso-dino"
    shutil.rmtree(folder, ignore_errors=True)
    GroundingDinoForObjectDetection.from_pretrained(trained, dtype=torch.float16).save_pretrained(folder)
    GroundingDinoProcessor.from_pretrained(trained).save_pretrained(folder)


PACKED: dict[str, tuple[str, Callable[[Path], None]]] = {
    "checkpoint": ("denoiser/unet", _checkpoint),
    "salient": ("salient/gesso-salient.onnx", _salient),
    "upscaler": ("upscaler/gesso-starter-x4.safetensors", _upscaler),
    "captioner": ("captioner/gesso-captioner", _captioner),
    "sam": ("sam/model", _sam),
    "dino": ("dino/model", _dino),
}
"""By name: what a finished run leaves, and what puts it into the pack."""


def run(folder: Path, *, steps: int = 0, only: Sequence[str] = ()) -> None:
    """From the runs beside `folder` into `models/starter/`; `steps` has no meaning here."""
    runs = folder.parent
    for name in only or [name for name, (left, _) in PACKED.items() if (runs / left).exists()]:
        PACKED[name][1](runs)
        print("packed", name)
    files = [path for path in STARTER.rglob("*") if path.is_file()]
    for path in sorted(files):
        print(f"{path.stat().st_size / 2**20:7.2f} MiB  {path.relative_to(STARTER)}")
    print(f"{sum(path.stat().st_size for path in files) / 2**20:7.2f} MiB in all")
