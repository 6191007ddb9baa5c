"""Qwen-Image: a Qwen2.5-VL text encoder, a transformer with guidance, and a VAE that also knows videos.

Qwen-Image-Edit is shown the picture, too: its text encoder sees it, and its latents lie beside those that are painted.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from configs.settings import Settings
from pipelines import flow_model, unet_model
from pipelines.families import Checkpoint, Sample, Start
from pipelines.flow_model import Build, FlowModel, Told
from pipelines.latent_spaces import QwenSpace
from pipelines.packing import packed, unpacked
from pipelines.parts import Parts
from pipelines.plans import Painting, Repainting
from pipelines.tensor_files import tensor_shapes
from pipelines.usual import usual

if TYPE_CHECKING:
    from torch import Generator, Tensor

BUILD = Build(
    pipeline="QwenImagePipeline",
    models={"transformer": "QwenImageTransformer2DModel", "vae": "AutoencoderKLQwenImage"},
    text_encoders={"text_encoder": "Qwen2_5_VLForConditionalGeneration"},
    tokenizers={"tokenizer": "Qwen2Tokenizer"},
)
PLUS = "QwenImageEditPlusPipeline"
"""The later Qwen-Image-Edit (2509, 2511), which might be shown several pictures."""

SEEN, GRAIN = 384, 32
"""Its text encoder sees a picture at about so many pixels a side, in steps of so many."""

VIDEOS, THIRD_AXIS = "decoder.conv1.weight", 5
"""A tensor's name in VAEs as they were published first (Wan's, ComfyUI's), and how many axes those of videos have."""

EDIT = dataclasses.replace(BUILD, pipeline="QwenImageEditPipeline", processors={"processor": "Qwen2VLProcessor"})


def describe(name: str, parts: Parts) -> Checkpoint:
    """What the config files tell. Raises BrokenModel."""
    vae = parts.config("vae")
    return flow_model.describe(
        name,
        parts,
        usual=usual("qwen-image"),
        cell=2 ** len(vae["temperal_downsample"]),
        shown="Edit" in parts.kind,
        side=vae.get("sample_size", flow_model.SIDE),
    )


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE makes latents of the same shape, as far as its headers tell."""
    own = checkpoint.parts.config("vae")
    if path.is_dir():
        config = unet_model.vae_config(path)
        return all(config.get(name) == own[name] for name in ("z_dim", "temperal_downsample"))
    shapes = tensor_shapes(path)
    first = shapes.get("decoder.conv_in.weight") or shapes.get(VIDEOS)
    return first is not None and len(first) == THIRD_AXIS and first[1] == own["z_dim"]


def load(checkpoint: Checkpoint, device: str, settings: Settings) -> "QwenImage":
    """The checkpoint's models on a device. Raises BrokenModel."""
    if "Edit" in checkpoint.kind:
        told = dataclasses.replace(EDIT, pipeline=PLUS) if checkpoint.kind == PLUS else EDIT
        return QwenImageEdit(flow_model.build(checkpoint, told, device), checkpoint, settings, device)
    return QwenImage(flow_model.build(checkpoint, BUILD, device), checkpoint, settings, device)


class QwenImage(FlowModel):
    """Alone on a CPU bit-equal to diffusers' QwenImagePipeline."""

    room = 1024
    even = False

    def _space(self, vae: Any) -> QwenSpace:
        return QwenSpace(vae)

    def _vae_of_file(self, path: Path) -> Any:
        """In diffusers' layout or in the published one, both of which diffusers' own loader leaves out."""
        from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers, load_single_file_checkpoint

        state = load_single_file_checkpoint(str(path), local_files_only=True)
        state = convert_wan_vae_to_diffusers(state) if VIDEOS in state else state
        made = type(self.space.vae).from_config(self.space.vae.config)
        if absent := made.load_state_dict(state, strict=False).missing_keys:
            raise ValueError(f"it lacks {len(absent)} tensors, {absent[0]} among them")
        return made.to(self.space.vae.dtype)

    def _course(self, tokens: int, steps: int) -> Mapping[str, Any]:
        return flow_model.even_course(self.scheduler_config, tokens, steps)

    def _told(self, text: str, painting: Painting) -> Told:
        words, mask = self.pipeline.encode_prompt(text, device=self.device)
        return {"encoder_hidden_states": words, "encoder_hidden_states_mask": mask}

    def _velocity(self, sample: Sample, told: Sequence[Told]) -> "list[Tensor]":
        import torch

        pictures = [sample.latents] if sample.conditions is None else [sample.latents, sample.conditions]
        rows, columns = sample.latents.shape[2:]
        outputs = [
            self.transformer(
                hidden_states=torch.cat([packed(each) for each in pictures], dim=1),
                timestep=sample.timestep.expand(1).to(sample.latents.dtype) / 1000,
                img_shapes=[[(1, rows // 2, columns // 2)] * len(pictures)],
                **each,
                return_dict=False,
            )[0]
            for each in told
        ]
        tokens = rows * columns // 4
        return [unpacked(output[:, :tokens], rows, columns) for output in outputs]

    def _mixed(self, against: "Tensor", prompt: "Tensor", scale: float) -> "Tensor":
        """Guidance that leaves every token its length."""
        import torch

        rows, columns = prompt.shape[2:]
        plain, guided = packed(prompt), packed(super()._mixed(against, prompt, scale))
        lengths = torch.norm(plain, dim=-1, keepdim=True) / torch.norm(guided, dim=-1, keepdim=True)
        return unpacked(guided * lengths, rows, columns)


class QwenImageEdit(QwenImage):
    """Alone on a CPU bit-equal to diffusers' QwenImageEditInpaintPipeline; without a picture it paints as QwenImage."""

    def __init__(self, pipeline: Any, checkpoint: Checkpoint, settings: Settings, device: str) -> None:
        from diffusers import QwenImagePipeline

        super().__init__(pipeline, checkpoint, settings, device)
        parts = {name: part for name, part in pipeline.components.items() if name != "processor"}
        self._without_picture = QwenImagePipeline(**parts)

    def _told(self, text: str, painting: Painting) -> Told:
        if isinstance(painting, Repainting):
            shown = self._shown(Image.fromarray(painting.image))
            words, mask = self.pipeline.encode_prompt(text, image=shown, device=self.device)
        else:
            words, mask = self._without_picture.encode_prompt(text, device=self.device)
        return {"encoder_hidden_states": words, "encoder_hidden_states_mask": mask}

    def _shown(self, picture: Image.Image) -> Any:
        """The picture as the text encoder is to see it; small, where several might be shown."""
        if type(self.pipeline).__name__ != PLUS:
            return picture
        scale = SEEN / math.sqrt(picture.width * picture.height)
        width, height = (max(1, round(length * scale / GRAIN)) * GRAIN for length in picture.size)
        return [picture.resize((width, height), Image.Resampling.LANCZOS)]

    def start(self, painting: Painting, scheduler: Any, timestep: "Tensor", generator: "Generator") -> Start:
        """Latents to begin with, and the picture's own beside them."""
        start = super().start(painting, scheduler, timestep, generator)
        return dataclasses.replace(start, conditions=start.known)
