"""FLUX.2: dev (Mistral 3 reads the words, and the guidance is told) and klein (Qwen3 reads them)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from configs.settings import Settings
from pipelines import flow_model
from pipelines.families import Checkpoint, Sample
from pipelines.flow_model import Build, FlowModel, Told
from pipelines.latent_spaces import Flux2Space
from pipelines.parts import Parts
from pipelines.plans import Painting
from pipelines.usual import usual

if TYPE_CHECKING:
    from torch import Tensor

DEV = Build(
    pipeline="Flux2Pipeline",
    models={"transformer": "Flux2Transformer2DModel", "vae": "AutoencoderKLFlux2"},
    text_encoders={"text_encoder": "Mistral3ForConditionalGeneration"},
    tokenizers={"tokenizer": "AutoProcessor"},
)
KLEIN = Build(
    pipeline="Flux2KleinPipeline",
    models=DEV.models,
    text_encoders={"text_encoder": "Qwen3ForCausalLM"},
    tokenizers={"tokenizer": "Qwen2TokenizerFast"},
)


def describe(name: str, parts: Parts) -> Checkpoint:
    """What the config files tell. Raises BrokenModel."""
    vae = parts.config("vae")
    return flow_model.describe(
        name,
        parts,
        usual=usual("flux2 dev" if _is_dev(parts) else "flux2 klein" if _is_distilled(parts) else "flux2 klein base"),
        cell=2 ** len(vae["block_out_channels"]),
        patch=1,
        side=vae.get("sample_size", flow_model.SIDE),
    )


def _is_dev(parts: Parts) -> bool:
    return bool(parts.config("transformer").get("guidance_embeds", True))


def _is_distilled(parts: Parts) -> bool:
    """Told by a folder's index; a single file does not tell, but by its published name."""
    if parts.path.is_file():
        return "base" not in parts.path.stem.lower()
    index = json.loads((parts.path / "model_index.json").read_text(encoding="utf-8"))
    return bool(index.get("is_distilled", False))


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape."""
    return flow_model.fits_vae(checkpoint, path)


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> "Flux2":
    """The checkpoint's models on a device. Raises BrokenModel."""
    told = DEV if _is_dev(checkpoint.parts) else KLEIN
    return Flux2(flow_model.build(checkpoint, told, device), checkpoint, settings, device)


class Flux2(FlowModel):
    """Alone on a CPU bit-equal to diffusers' Flux2Pipeline and Flux2KleinPipeline."""

    def _space(self, vae: Any) -> Flux2Space:
        return Flux2Space(vae)

    @property
    def multiple(self) -> int:
        return int(self.space.cell)

    def _course(self, tokens: int, steps: int) -> Mapping[str, Any]:
        from diffusers.pipelines.flux2.pipeline_flux2 import compute_empirical_mu

        mu = compute_empirical_mu(image_seq_len=tokens, num_steps=steps)
        return {"sigmas": np.linspace(1.0, 1 / steps, steps), "mu": mu}

    def _longest_tokenizer(self) -> Any:
        return getattr(self.pipeline.tokenizer, "tokenizer", self.pipeline.tokenizer)

    def _told(self, text: str, painting: Painting) -> Told:
        words, places = self.pipeline.encode_prompt(text, device=self.device)
        return {"encoder_hidden_states": words, "txt_ids": places}

    def _velocity(self, sample: Sample, told: Sequence[Told]) -> "list[Tensor]":
        import torch

        latents = sample.latents
        guidance = None
        if self.usual.guided == "told":
            guidance = torch.full([1], sample.painting.recipe.guidance_scale, device=self.device, dtype=torch.float32)
        outputs = [
            self._transformed(
                hidden_states=self.pipeline._pack_latents(latents),
                timestep=sample.timestep.expand(1).to(latents.dtype) / 1000,
                guidance=guidance,
                img_ids=self.pipeline._prepare_latent_ids(latents).to(self.device),
                **each,
            )
            for each in told
        ]
        return [output.permute(0, 2, 1).reshape(latents.shape) for output in outputs]
