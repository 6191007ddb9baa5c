"""Stable Diffusion 1.x and 2.x: text to image (4 channels) and inpainting (9 channels), noise or velocities told."""

from pathlib import Path

from configs.settings import Settings
from pipelines import unet_model
from pipelines.adapters import Adapters
from pipelines.families import Checkpoint
from pipelines.inversions import Inversions
from pipelines.parts import Parts
from pipelines.reading import Encoder, Reader
from pipelines.unet_model import UnetModel
from pipelines.weights import Weights, number_for


def describe(name: str, parts: Parts) -> Checkpoint:
    """What the config files tell. Raises NotSupported or BrokenModel."""
    return unet_model.describe(name, parts, told_size=False)


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape."""
    return unet_model.fits_vae(checkpoint, path)


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> UnetModel:
    """The checkpoint's models in main memory, made for a device. Raises BrokenModel."""
    from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    parts = checkpoint.parts
    number = number_for(device)
    weights = Weights(parts, number)
    encoder = Encoder(
        weights.tokenizer("tokenizer", CLIPTokenizer),
        weights.text_encoder("text_encoder", CLIPTextModel),
        Inversions(checkpoint.family, "clip_l", settings),
    )
    unet = weights.model("unet", UNet2DConditionModel)
    vae = weights.model("vae", AutoencoderKL)
    pipeline = StableDiffusionPipeline(
        vae,
        encoder.text_encoder,
        encoder.tokenizer,
        unet,
        scheduler=None,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return UnetModel(
        unet=unet,
        vae=vae,
        adapters=Adapters(pipeline, settings),
        reader=Reader([encoder], device=device, dtype=number),
        scheduler_config=parts.config("scheduler"),
        device=device,
        parts=parts,
        settings=settings,
    )
