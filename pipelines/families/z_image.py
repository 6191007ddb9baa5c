"""Z-Image and Z-Image-Turbo: a Qwen3 text encoder, and a transformer over words and picture in one row of tokens."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from pipelines import flow_model
from pipelines.families import Checkpoint, Sample
from pipelines.flow_model import Build, FlowModel, Told
from pipelines.flow_sampling import TRAINED
from pipelines.parts import Parts
from pipelines.plans import Painting
from pipelines.usual import usual

if TYPE_CHECKING:
    from torch import Generator, Tensor

BUILD = Build(
    pipeline="ZImagePipeline",
    models={"transformer": "ZImageTransformer2DModel", "vae": "AutoencoderKL"},
    text_encoders={"text_encoder": "Qwen3Model"},
    tokenizers={"tokenizer": "Qwen2Tokenizer"},
)

TURBO_SHIFT = 3.0
"""The shift of Turbo's schedule; that of the model that it was distilled from is larger."""


def describe(name: str, parts: Parts) -> Checkpoint:
    """What the config files tell. Raises BrokenModel."""
    vae = parts.config("vae")
    turbo = parts.config("scheduler").get("shift", TURBO_SHIFT) <= TURBO_SHIFT
    return flow_model.describe(
        name,
        parts,
        usual=usual("z-image turbo" if turbo else "z-image"),
        cell=2 ** (len(vae["block_out_channels"]) - 1),
        side=vae.get("sample_size", flow_model.SIDE),
    )


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape."""
    return flow_model.fits_vae(checkpoint, path)


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> "ZImage":
    """The checkpoint's models on a device. Raises BrokenModel."""
    return ZImage(flow_model.build(checkpoint, BUILD, device), checkpoint, settings, device)


class ZImage(FlowModel):
    """Alone on a CPU bit-equal to diffusers' ZImagePipeline, whose guidance begins above 0."""

    even = False

    def __init__(self, pipeline: Any, checkpoint: Checkpoint, settings: Settings, device: str) -> None:
        import torch

        super().__init__(pipeline, checkpoint, settings, device)
        self.latent_dtype = torch.float32

    def _course(self, tokens: int, steps: int) -> Mapping[str, Any]:
        import torch

        # Rounded as diffusers' own pipeline rounds them.
        levels = torch.linspace(1.0, 1 / steps, steps).tolist()
        return {"sigmas": levels, "mu": flow_model.shift(self.scheduler_config, tokens)}

    def _told(self, text: str, painting: Painting) -> Told:
        words, _ = self.pipeline.encode_prompt([text], device=self.device, do_classifier_free_guidance=False)
        return {"encoder_hidden_states": words[0]}

    def _velocity(self, sample: Sample, told: Sequence[Told]) -> "list[Tensor]":
        # The prompt goes first, as in diffusers' own pipeline: the order counts where tokens are padded.
        first = list(reversed(told))
        latents = [sample.latents.to(self.dtype)[0].unsqueeze(1)] * len(told)
        timestep = (TRAINED - sample.timestep.expand(1)) / TRAINED
        outputs = self.transformer(
            latents, timestep.repeat(len(told)), [each["encoder_hidden_states"] for each in first], return_dict=False
        )[0]
        return [-output.float().squeeze(1)[None] for output in reversed(outputs)]

    def _latents_of(self, picture: "Tensor", generator: "Generator | None") -> "Tensor":
        # Left in the order in memory in which the VAE gives them, as in diffusers' own pipeline.
        latents: Tensor = self.space.encode(picture.to(self.device, self.space.vae.dtype), generator)
        return latents.to(self.latent_dtype)

    def _mixed(self, against: "Tensor", prompt: "Tensor", scale: float) -> "Tensor":
        return prompt + scale * (prompt - against)
