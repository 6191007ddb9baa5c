"""Qwen-Image: a Qwen2.5-VL text encoder, a transformer with guidance, and a VAE that also knows videos."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from masking.errors import NotSupported
from pipelines import flow_model
from pipelines.families import Checkpoint, Sample
from pipelines.flow_model import Build, FlowModel, Told, packed, unpacked
from pipelines.latent_spaces import QwenSpace
from pipelines.parts import Parts
from pipelines.usual import usual

if TYPE_CHECKING:
    from torch import Tensor

BUILD = Build(
    pipeline="QwenImagePipeline",
    models={"transformer": "QwenImageTransformer2DModel", "vae": "AutoencoderKLQwenImage"},
    text_encoders={"text_encoder": "Qwen2_5_VLForConditionalGeneration"},
    tokenizers={"tokenizer": "Qwen2Tokenizer"},
)


def describe(name: str, parts: Parts) -> Checkpoint:
    """What the config files tell. Raises BrokenModel."""
    vae = parts.config("vae")
    return flow_model.describe(
        name,
        parts,
        usual=usual("qwen-image"),
        cell=2 ** len(vae["temperal_downsample"]),
        side=vae.get("sample_size", flow_model.SIDE),
    )


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Raises NotSupported: there is but one VAE of this kind."""
    raise NotSupported(
        f"{path.name} cannot take the place of {checkpoint.name}'s VAE: {checkpoint.kind} works with its own alone.",
        field="vae",
    )


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> "QwenImage":
    """The checkpoint's models on a device. Raises BrokenModel."""
    return QwenImage(flow_model.build(checkpoint, BUILD, device), checkpoint, settings, device)


class QwenImage(FlowModel):
    """Alone on a CPU bit-equal to diffusers' QwenImagePipeline."""

    room = 1024

    def _space(self, vae: Any) -> QwenSpace:
        return QwenSpace(vae)

    def _course(self, tokens: int, steps: int) -> Mapping[str, Any]:
        return flow_model.even_course(self.scheduler_config, tokens, steps)

    def _told(self, text: str) -> Told:
        words, mask = self.pipeline.encode_prompt(text, device=self.device)
        return {"encoder_hidden_states": words, "encoder_hidden_states_mask": mask}

    def _velocity(self, sample: Sample, told: Sequence[Told]) -> "list[Tensor]":
        latents = sample.latents
        rows, columns = latents.shape[2:]
        outputs = [
            self.transformer(
                hidden_states=packed(latents),
                timestep=sample.timestep.expand(1).to(latents.dtype) / 1000,
                img_shapes=[[(1, rows // 2, columns // 2)]],
                **each,
                return_dict=False,
            )[0]
            for each in told
        ]
        return [unpacked(output, rows, columns) for output in outputs]

    def _mixed(self, against: "Tensor", prompt: "Tensor", scale: float) -> "Tensor":
        """Guidance that leaves every token its length."""
        import torch

        rows, columns = prompt.shape[2:]
        plain, guided = packed(prompt), packed(super()._mixed(against, prompt, scale))
        lengths = torch.norm(plain, dim=-1, keepdim=True) / torch.norm(guided, dim=-1, keepdim=True)
        return unpacked(guided * lengths, rows, columns)
