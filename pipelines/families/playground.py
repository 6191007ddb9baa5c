"""Playground v2.5: SDXL's models, trained with noise of any strength, and latents that are evened out by channel."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from configs.settings import Settings
from pipelines import edm, unet_model
from pipelines.edm import EdmNoise, EdmSampler
from pipelines.families import Checkpoint, Sample, sdxl
from pipelines.families.sdxl import Sdxl
from pipelines.parts import Parts
from pipelines.plans import Painting, Repainting

if TYPE_CHECKING:
    from torch import Tensor


def describe(name: str, parts: Parts) -> Checkpoint:
    """What the config files tell. Raises NotSupported or BrokenModel."""
    told = unet_model.describe(name, parts, told_size=True)
    return replace(told, kind="Playground v2.5", sampling=edm.SECTION)


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape; a folder must tell, too, how they spread."""
    evened = path.is_file() or unet_model.vae_config(path).get("latents_mean") is not None
    return evened and unet_model.fits_vae(checkpoint, path)


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> "Playground":
    """The checkpoint's models in main memory, made for a device. Raises BrokenModel."""
    return sdxl.build(Playground, checkpoint, device, settings)


class Playground(Sdxl):
    """Alone on a CPU bit-equal to diffusers' StableDiffusionXLPipeline with its EDM schedulers."""

    def sampling(self, painting: Painting) -> EdmSampler:
        """The sampler of the recipe, set to what a painting leaves of its schedule."""
        return EdmSampler(
            painting.recipe.sampler,
            painting.recipe.scheduler,
            self.scheduler_config,
            steps=painting.recipe.steps,
            skipped=painting.skipped if isinstance(painting, Repainting) else 0,
            device=self.device,
        )

    def denoised(self) -> "Callable[[Tensor, Tensor, Tensor], Tensor]":
        """By what the timestep itself tells of the noise."""
        return EdmNoise(self.scheduler_config).clean

    def _progress(self, sample: Sample) -> float:
        return EdmNoise(self.scheduler_config).progress(sample.timestep)
