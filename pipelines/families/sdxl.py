"""Stable Diffusion XL: two text encoders, and a UNet that is told the picture's size; 4 channels, or 9 to inpaint."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from configs.settings import Settings
from pipelines import unet_model
from pipelines.adapters import Adapters
from pipelines.families import Checkpoint, Sample
from pipelines.inversions import Inversions
from pipelines.parts import Parts
from pipelines.reading import Encoder, Reader
from pipelines.unet_model import UnetModel
from pipelines.weights import Weights, number_for

if TYPE_CHECKING:
    from torch import Tensor

LAST_TIMESTEP = 999
USUAL_LAYER = 2
"""The layer of the text encoders that SDXL was trained with, counted from the last one."""


def describe(name: str, parts: Parts) -> Checkpoint:
    """What the config files tell. Raises NotSupported or BrokenModel."""
    return unet_model.describe(name, parts, told_size=True)


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape."""
    return unet_model.fits_vae(checkpoint, path)


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> "Sdxl":
    """The checkpoint's models in main memory, made for a device. Raises BrokenModel."""
    return build(Sdxl, checkpoint, device, settings)


def build(kind: "type[Made]", checkpoint: Checkpoint, device: str, settings: Settings) -> "Made":
    """The checkpoint's models as a model of class `kind`. Raises BrokenModel."""
    from diffusers import AutoencoderKL, StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    parts = checkpoint.parts
    number = number_for(device)
    weights = Weights(parts, number)
    encoders = [
        Encoder(
            weights.tokenizer(f"tokenizer{which}", CLIPTokenizer),
            weights.text_encoder(f"text_encoder{which}", encoder),
            Inversions(checkpoint.family, key, settings),
        )
        for which, encoder, key in (("", CLIPTextModel, "clip_l"), ("_2", CLIPTextModelWithProjection, "clip_g"))
    ]
    unet = weights.model("unet", UNet2DConditionModel)
    vae = weights.model("vae", AutoencoderKL)
    first, second = encoders
    pipeline = StableDiffusionXLPipeline(
        vae,
        first.text_encoder,
        second.text_encoder,
        first.tokenizer,
        second.tokenizer,
        unet,
        scheduler=None,
        add_watermarker=False,
    )
    return kind(
        unet=unet,
        vae=vae,
        adapters=Adapters(pipeline, settings),
        reader=Reader(encoders, device=device, dtype=number, usual_layer=USUAL_LAYER, normed=False),
        scheduler_config=parts.config("scheduler"),
        device=device,
        parts=parts,
        settings=settings,
    )


class Sdxl(UnetModel):
    """The primitives over diffusers' own components; alone on a CPU bit-equal to its stock pipelines."""

    def _told(self, samples: Sequence[Sample]) -> "dict[str, Tensor]":
        """What the prompts come to as a whole, and the sizes, one row per row of the words."""
        import torch

        pooled = [sample.words.pooled for sample in samples if sample.words.pooled is not None]
        rows = [row for sample in samples for row in _sizes(sample, self._progress(sample))]
        sizes = torch.tensor(rows, dtype=self.dtype, device=self.device)
        return {"text_embeds": torch.cat(pooled), "time_ids": sizes}

    def _progress(self, sample: Sample) -> float:
        """How far a sample is from noise alone (0) to the picture (1)."""
        return 1 - float(sample.timestep) / LAST_TIMESTEP


Made = TypeVar("Made", bound=Sdxl)


def _sizes(sample: Sample, progress: float) -> Sequence[tuple[float, ...]]:
    """The size it had, where it was cropped, the size it has: height before width, [negative, prompt] or the prompt's.

    At the beginning, up to the share `adm.end` of the denoising, the size it had is told larger or smaller than it is.
    """
    height, width, adm = sample.painting.height, sample.painting.width, sample.painting.recipe.adm
    early = adm[2] >= 1 or progress < adm[2]
    scales = (adm[1], adm[0]) if early else (1.0, 1.0)
    told = [
        (float(int(height * scale)), float(int(width * scale)), 0.0, 0.0, float(height), float(width))
        for scale in scales
    ]
    return told[-len(sample.words.embedding) :]
