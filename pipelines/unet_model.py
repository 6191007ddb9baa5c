"""What Stable Diffusion's families have in common: a UNet in a VAE's latents, of c channels, or 2c + 1 for inpainting.

c is 4 in all published checkpoints; 2c + 1 are the latents, the mask and the masked latents.
"""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from configs.settings import Settings
from masking.errors import BrokenModel, NotSupported
from pipelines import inpaint_engine, layout, patched_reading
from pipelines.adapters import Adapters
from pipelines.denoised import Denoised
from pipelines.families import Checkpoint, Sample, Sampling, Start, Words
from pipelines.parts import Parts
from pipelines.plans import NO_FREEU, FreeU, Painting, Pixels, Repainting
from pipelines.reading import Reader
from pipelines.samplers import Sampler
from pipelines.tensor_files import tensor_shapes
from pipelines.unet_pass import UnetPass

if TYPE_CHECKING:
    from torch import Generator, Tensor


def describe(name: str, parts: Parts, *, told_size: bool) -> Checkpoint:
    """What the config files tell. Raises NotSupported for another kind of UNet, BrokenModel for bad files."""
    unet, vae, text_encoder = (parts.config(part) for part in ("unet", "vae", "text_encoder"))
    plain = vae["latent_channels"]
    if unet["in_channels"] not in (plain, 2 * plain + 1) or unet.get("time_cond_proj_dim") is not None:
        raise NotSupported(
            f"The checkpoint {name!r} has a UNet of {unet['in_channels']} input channels or with embedded guidance; "
            f"only plain ones with {plain} or {2 * plain + 1} channels can be used with its VAE.",
            field="checkpoint",
        )
    cell = 2 ** (len(vae["block_out_channels"]) - 1)
    return Checkpoint(
        name=name,
        path=parts.path,
        family=parts.family,
        kind=parts.kind,
        parts=parts,
        side=unet["sample_size"] * cell,
        multiple=cell * 2 ** (len(unet["block_out_channels"]) - 1),
        cell=cell,
        text_layers=text_encoder["num_hidden_layers"],
        inpainting=unet["in_channels"] > plain,
        told_size=told_size,
    )


def fits_vae(checkpoint: Checkpoint, path: Path) -> bool:
    """Whether a VAE has this kind's latent channels and cells of the same size, as far as its headers tell."""
    channels = checkpoint.parts.config("vae")["latent_channels"]
    if path.is_dir():
        config = vae_config(path)
        levels = len(config.get("block_out_channels", ()))
        return config.get("latent_channels") == channels and 2 ** (levels - 1) == checkpoint.cell
    shapes = tensor_shapes(path)
    first = shapes.get("decoder.conv_in.weight") or shapes.get("first_stage_model.decoder.conv_in.weight")
    return first is not None and first[1] == channels


def vae_config(path: Path) -> dict[str, Any]:
    """A VAE's config. Raises BrokenModel."""
    try:
        config: dict[str, Any] = json.loads((path / "config.json").read_text(encoding="utf-8"))
        return dict(config)
    except (OSError, ValueError, TypeError) as problem:
        raise BrokenModel(f"The VAE at {path} is damaged: {problem}.", field="vae") from problem


class UnetModel:
    """The primitives over diffusers' own components; alone on a CPU bit-equal to its stock pipelines."""

    def __init__(
        self,
        *,
        unet: Any,
        vae: Any,
        reader: Reader,
        adapters: Adapters,
        scheduler_config: Mapping[str, Any],
        device: str,
        parts: Parts,
        settings: Settings,
    ) -> None:
        self.unet, self.vae, self.reader, self.adapters = unet, layout.arrange(vae, device), reader, adapters
        self.scheduler_config, self.device, self.parts = scheduler_config, device, parts
        self.lean = False
        self.patch: Any = None  # of an inpaint engine, see there
        self.dtype = unet.dtype
        self.cell = 2 ** (len(vae.config.block_out_channels) - 1)
        self.rows = UnetPass(unet, device, settings)
        self.forms = self.rows.forms
        adapters.prepare = self.rows.take_apart

    def sampling(self, painting: Painting) -> Sampling:
        """The sampler of the recipe, set to what a painting leaves of its schedule."""
        recipe = painting.recipe
        return Sampler(
            recipe.sampler,
            recipe.scheduler,
            self.scheduler_config,
            steps=recipe.steps,
            skipped=painting.skipped if isinstance(painting, Repainting) else 0,
            device=self.device,
        )

    def denoised(self) -> "Callable[[Tensor, Tensor, Tensor], Tensor]":
        """By the noise that the checkpoint was trained with."""
        return Denoised(self.scheduler_config, self.device)

    def encode_prompt(self, painting: Painting) -> Words:
        """1 or 2 rows × tokens × width; the second row only above guidance 1, where it has a use."""
        self.adapters.put_on(painting.recipe.loras, anew=True)
        return self.reader.read(painting.recipe, worn=self.adapters.worn)

    def with_vae(self, path: Path) -> "UnetModel":
        """This model with another VAE (safetensors file or diffusers folder), the rest shared. Raises BrokenModel."""
        from diffusers import AutoencoderKL

        try:
            if path.is_dir():
                vae = AutoencoderKL.from_pretrained(path, torch_dtype=self.vae.dtype)
            else:
                config = str(self.parts.folder("vae"))
                vae = AutoencoderKL.from_single_file(str(path), config=config, torch_dtype=self.vae.dtype)
        except (OSError, ValueError, RuntimeError) as problem:
            raise BrokenModel(f"The VAE {path.name!r} does not load: {problem}", field="vae") from problem
        other = copy.copy(self)
        other.vae = layout.arrange(vae.to(self.device).eval(), self.device)
        return other

    def with_patch(self, patch: Any) -> "UnetModel":
        """This model with an inpaint engine that was loaded for it, everything shared."""
        patched_reading.make_ready(self.unet, patch.names)
        other = copy.copy(self)
        other.patch = patch
        return other

    def start(self, painting: Painting, scheduler: Any, timestep: "Tensor", generator: "Generator") -> Start:
        """Latents to begin with. Draws from `generator` in the order of diffusers' stock pipelines."""
        import torch
        from diffusers.utils.torch_utils import randn_tensor

        given = painting if isinstance(painting, Repainting) else None
        shape = (1, self.vae.config.latent_channels, painting.height // self.cell, painting.width // self.cell)
        with_mask = self.unet.config.in_channels > shape[1]
        by_degree = given is not None and bool(((given.cells > 0) & (given.cells < 1)).any())
        kept = given is not None and (not with_mask or given.skipped > 0 or by_degree)
        image = self._latents_of(signed(given.image), generator) if given and kept else None
        noise = randn_tensor(shape, generator=generator, device=torch.device(self.device), dtype=self.dtype)
        latents = noise * scheduler.init_noise_sigma
        if given and given.skipped and image is not None:
            origin = image if given.from_image else torch.zeros_like(image)
            latents = scheduler.add_noise(origin, noise, timestep[None])
        if with_mask:
            start = Start(latents=latents, noise=noise, conditions=self._conditions(painting, generator))
            return replace(start, known=image, cells=self._cells(given)) if given and by_degree else start
        if given is None:
            return Start(latents=latents, noise=noise)
        # The stock 4-channel inpaint pipeline encodes the masked picture, too, and so draws once more.
        randn_tensor(shape, generator=generator, device=torch.device(self.device), dtype=self.dtype)
        conditions = self._conditions(painting, generator) if self.patch is not None else None
        return Start(latents=latents, noise=noise, conditions=conditions, known=image, cells=self._cells(given))

    def _conditions(self, painting: Painting, generator: "Generator") -> "Tensor":
        """Mask and masked picture, 1 × 5 × rows × columns; without a picture all is masked over a blank one (zeros)."""
        import torch

        if isinstance(painting, Repainting):
            cells, picture = (self._cells(painting) > 0).to(self.dtype), signed(painting.image)
            picture = picture * torch.from_numpy(~painting.mask)[None, None]
        else:
            cells = torch.ones(1, 1, painting.height // self.cell, painting.width // self.cell)
            cells = cells.to(self.device, self.dtype)
            picture = torch.zeros(1, 3, painting.height, painting.width)
        return torch.cat([cells, self._latents_of(picture, generator)], dim=1)

    def _cells(self, painting: Repainting) -> "Tensor":
        import torch

        return torch.from_numpy(painting.cells)[None, None].to(self.device, self.dtype)

    def _latents_of(self, picture: "Tensor", generator: "Generator") -> "Tensor":
        posterior = self.vae.encode(picture.to(self.device, self.vae.dtype)).latent_dist
        return self._scaled(posterior.sample(generator)).to(self.dtype).contiguous()

    def _scaled(self, latents: "Tensor") -> "Tensor":
        """A VAE's latents as the UNet sees them: by one factor, or even, where its config tells how channels spread."""
        scaled: Tensor
        if (spread := self._spread(latents)) is None:
            scaled = self.vae.config.scaling_factor * latents
        else:
            scaled = (latents - spread[0]) * self.vae.config.scaling_factor / spread[1]
        return scaled

    def _spread(self, like: "Tensor") -> "tuple[Tensor, Tensor] | None":
        """Mean and spread of the VAE's latents, 1 × channels × 1 × 1."""
        import torch

        told = [self.vae.config.get(name) for name in ("latents_mean", "latents_std")]
        if None in told:
            return None
        mean, spread = (torch.tensor(values).view(1, -1, 1, 1).to(like.device, like.dtype) for values in told)
        return mean, spread

    def predict(self, samples: Sequence[Sample]) -> "list[Tensor]":
        """The UNet's outputs, rows × 4 × rows of cells × columns for each sample; all samples have the same LoRAs."""
        self.adapters.put_on(samples[0].painting.recipe.loras)
        outputs: dict[int, Tensor] = {}
        with layout.attending(self.device):
            for freeu in dict.fromkeys(sample.painting.recipe.freeu for sample in samples):
                alike = [i for i, sample in enumerate(samples) if sample.painting.recipe.freeu == freeu]
                outputs |= dict(zip(alike, self._ask([samples[i] for i in alike], freeu), strict=True))
        return [outputs[i] for i in range(len(samples))]

    def _ask(self, samples: Sequence[Sample], freeu: FreeU) -> "Sequence[Tensor]":
        """One pass through the UNet, with FreeU's four factors on its first two levels upward (Si et al., 2023)."""
        import torch

        rows = [len(sample.words.embedding) for sample in samples]
        latents, added = [sample.latents for sample in samples], None
        if self.patch is not None:
            told = [
                inpaint_engine.features(self.patch.head, sample.conditions)
                for sample in samples
                if sample.conditions is not None
            ]
            added = (
                torch.cat([each.expand(n, -1, -1, -1) for each, n in zip(told, rows, strict=True)]) if told else None
            )
        elif samples[0].conditions is not None:
            latents = [
                torch.cat([sample.latents, sample.conditions], dim=1)
                for sample in samples
                if sample.conditions is not None
            ]
        b1, b2, s1, s2 = freeu
        if freeu != NO_FREEU:
            self.unet.enable_freeu(b1=b1, b2=b2, s1=s1, s2=s2)
        try:
            output = self.rows(
                torch.cat([each.expand(n, -1, -1, -1) for each, n in zip(latents, rows, strict=True)]),
                torch.cat([sample.timestep.expand(n) for sample, n in zip(samples, rows, strict=True)]).to(self.device),
                torch.cat([sample.words.embedding for sample in samples]),
                self._told(samples),
                added,
                patch=self.patch,
                changed=freeu != NO_FREEU or bool(samples[0].painting.recipe.loras),
                lean=self.lean,
            )
        finally:
            if freeu != NO_FREEU:
                self.unet.disable_freeu()
        return output.split(rows)

    def _told(self, _samples: Sequence[Sample]) -> "dict[str, Tensor] | None":
        """What the UNet is told beside the words, if anything, for all rows of all samples."""
        return None

    def encode(self, pixels: Pixels) -> "Tensor":
        """1 × 4 × rows × columns; the mean of what the VAE might draw."""
        import torch

        with torch.inference_mode():
            posterior = self.vae.encode(signed(pixels).to(self.device, self.vae.dtype)).latent_dist
            return self._scaled(posterior.mean)

    def decode(self, latents: "Tensor") -> Pixels:
        """height × width × 3, RGB. Raises BrokenModel where the model gave no numbers."""
        latents, scale = latents.to(self.vae.dtype), self.vae.config.scaling_factor
        spread = self._spread(latents)
        plain = latents / scale if spread is None else latents * spread[1] / scale + spread[0]
        return picture_of(self.vae.decode(plain, return_dict=False)[0])


def signed(pixels: Pixels) -> "Tensor":
    """1 × 3 × height × width in [-1, 1], float32."""
    import torch

    # The order of the axes in memory is diffusers', too: by it convolutions choose how they compute, and so round.
    return 2.0 * torch.from_numpy(pixels[None].astype(np.float32) / 255.0).permute(0, 3, 1, 2) - 1.0


def picture_of(values: "Tensor") -> Pixels:
    """A VAE's answer, 1 × 3 × height × width in [-1, 1], as pixels. Raises BrokenModel for what are no numbers."""
    import torch

    if not bool(torch.isfinite(values).all()):
        raise BrokenModel("The model's answer is no picture: its values are not numbers.", field="checkpoint")
    levels = (values.float() * 0.5 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
    pixels: Pixels = levels[0].permute(1, 2, 0).cpu().numpy()
    return pixels
