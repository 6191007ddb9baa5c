"""Put the trained parts together as `models/starter/`, in half precision, as any checkpoint is laid out."""

import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionInpaintPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from training.denoiser import SCHEDULE

STARTER = Path(__file__).resolve().parent.parent / "models" / "starter"


def run(folder: Path, *, steps: int = 0) -> None:
    """From the runs beside `folder` into `models/starter/`; `steps` has no meaning here."""
    runs = folder.parent
    half = {"torch_dtype": torch.float16}
    checkpoint = STARTER / "checkpoints" / "gesso-starter"
    shutil.rmtree(checkpoint, ignore_errors=True)
    StableDiffusionInpaintPipeline(
        vae=AutoencoderKL.from_pretrained(runs / "vae" / "vae", **half),
        text_encoder=CLIPTextModel.from_pretrained(runs / "denoiser" / "text_encoder", **half),
        tokenizer=CLIPTokenizer.from_pretrained(runs / "words" / "tokenizer"),
        unet=UNet2DConditionModel.from_pretrained(runs / "denoiser" / "unet", **half),
        scheduler=DDIMScheduler(**SCHEDULE, set_alpha_to_one=False, steps_offset=1, timestep_spacing="leading"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(checkpoint)
    salient = STARTER / "rembg"
    salient.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(runs / "salient" / "gesso-salient.onnx", salient / "gesso-salient.onnx")
    files = [path for path in STARTER.rglob("*") if path.is_file()]
    for path in sorted(files):
        print(f"{path.stat().st_size / 2**20:7.2f} MiB  {path.relative_to(STARTER)}")
    print(f"{sum(path.stat().st_size for path in files) / 2**20:7.2f} MiB in all")
