"""Stable Diffusion 3 and 3.5: two CLIP text encoders and T5, which may be missing; a transformer with guidance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from masking.errors import NotSupported
from pipelines import flow_model
from pipelines.families import Checkpoint, Sample
from pipelines.flow_model import Build, FlowModel, Told
from pipelines.parts import Parts
from pipelines.plans import Painting
from pipelines.usual import usual

if TYPE_CHECKING:
    from torch import Tensor

BUILD = Build(
    pipeline="StableDiffusion3Pipeline",
    models={"transformer": "SD3Transformer2DModel", "vae": "AutoencoderKL"},
    text_encoders={
        "text_encoder": "CLIPTextModelWithProjection",
        "text_encoder_2": "CLIPTextModelWithProjection",
        "text_encoder_3": "T5EncoderModel",
    },
    tokenizers={"tokenizer": "CLIPTokenizer", "tokenizer_2": "CLIPTokenizer", "tokenizer_3": "T5TokenizerFast"},
    optional=("text_encoder_3", "tokenizer_3"),
)


def describe(name: str, parts: Parts) -> Checkpoint:
    """What the config files tell; a Turbo is told by its name. Raises NotSupported or BrokenModel."""
    transformer, vae = parts.config("transformer"), parts.config("vae")
    if transformer["in_channels"] != vae["latent_channels"]:
        raise NotSupported(
            f"The checkpoint {name!r} has a transformer of {transformer['in_channels']} input channels; only one of as "
            f"many as its VAE's {vae['latent_channels']} can be used.",
            field="checkpoint",
        )
    later = "sd3.5 turbo" if "turbo" in parts.path.name.lower() else "sd3.5"
    cell = 2 ** (len(vae["block_out_channels"]) - 1)
    complete = all(parts.has(part) for part in BUILD.optional)
    return flow_model.describe(
        name,
        parts,
        usual=usual(later if transformer.get("qk_norm") else "sd3"),
        cell=cell,
        patch=transformer["patch_size"],
        side=transformer["sample_size"] * cell,
        caveats=() if complete else (f"{name} has no third text encoder (T5): it reads 77 tokens, and without care.",),
    )


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape."""
    return flow_model.fits_vae(checkpoint, path)


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> "Sd3":
    """The checkpoint's models on a device. Raises BrokenModel."""
    return Sd3(flow_model.build(checkpoint, BUILD, device), checkpoint, settings, device)


class Sd3(FlowModel):
    """Alone on a CPU bit-equal to diffusers' StableDiffusion3Pipeline."""

    room = 256

    def _course(self, tokens: int, steps: int) -> Mapping[str, Any]:
        if self.scheduler_config.get("use_dynamic_shifting"):
            return {"num_inference_steps": steps, "mu": flow_model.shift(self.scheduler_config, tokens)}
        return {"num_inference_steps": steps}

    def _longest_tokenizer(self) -> Any:
        return self.pipeline.tokenizer_3 or self.pipeline.tokenizer

    def _told(self, text: str, painting: Painting) -> Told:
        words, _, pooled, _ = self.pipeline.encode_prompt(
            text, text, text, device=self.device, do_classifier_free_guidance=False
        )
        return {"encoder_hidden_states": words, "pooled_projections": pooled}

    def _velocity(self, sample: Sample, told: Sequence[Told]) -> "list[Tensor]":
        import torch

        output = self._transformed(
            hidden_states=torch.cat([sample.latents] * len(told)),
            timestep=sample.timestep.expand(len(told)),
            **{name: torch.cat([each[name] for each in told]) for name in told[0]},
        )
        return list(output.chunk(len(told)))
