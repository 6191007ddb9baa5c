"""Train an autoencoder of 16² px cells from the one of 8² px: 256² pictures to 16² latents of 16 channels.

Everything at 32² cells and finer is taken over; what lies within learns to give back the features that the outer
decoder expects. All of that happens at 32² cells and below, so that it takes minutes. `training.decoder` goes on.

What the latents mean is taught, too: see `training.layers`. Left to itself the autoencoder scatters a picture over all
channels and from cell to cell, and a denoiser has nothing coarse to begin with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from training import layers, vae
from training.run import Course, device, train
from training.scenes import draw, enlarge, paint

PICTURES = 2000
BATCH = 12
NOISE = 0.12
"""Standard deviation of what is added to latents before they are decoded, for no denoiser is exact."""


def build() -> AutoencoderKL:
    return vae.build(widths=(16, 32, 64, 96, 128), channels=layers.CHANNELS)


def inherit(deep: AutoencoderKL, outer: AutoencoderKL) -> set[str]:
    """Copy what both have; the decoder's blocks have moved by one. The names of what was copied."""
    known, own = outer.state_dict(), deep.state_dict()
    copied = {name: known[source] for name in own if (source := _source(name)) in known}
    copied = {name: weight for name, weight in copied.items() if weight.shape == own[name].shape}
    deep.load_state_dict(own | copied)
    return set(copied)


def _source(name: str) -> str:
    """Where in the outer autoencoder a weight comes from; "" for what lies within."""
    if name.startswith(
        ("decoder.conv_norm_out", "decoder.conv_out", "encoder.conv_in", "encoder.down_blocks.3.resnets")
    ):
        return name
    if name.startswith(tuple(f"encoder.down_blocks.{i}." for i in range(3))):
        return name
    part, _, rest = name.removeprefix("decoder.up_blocks.").partition(".")
    return f"decoder.up_blocks.{int(part) - 1}.{rest}" if part.isdigit() and part != "0" else ""


def outside(either: AutoencoderKL, pictures: Tensor) -> Tensor:
    """The features of 32² cells that both encoders share: n × 96 × 32 × 32 of n × 3 × 256 × 256 in [-1, 1]."""
    encoder = either.encoder
    features = encoder.conv_in(pictures)
    for block in encoder.down_blocks[:3]:
        features = block(features)
    return encoder.down_blocks[3].resnets[0](features, None)


def inward(deep: AutoencoderKL, features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and logarithm of the variance of the latents, n × 16 × 16 × 16 each, of what `outside` gives."""
    encoder = deep.encoder
    features = encoder.down_blocks[4](encoder.down_blocks[3].downsamplers[0](features))
    features = encoder.conv_out(functional.silu(encoder.conv_norm_out(encoder.mid_block(features))))
    mean, logvar = deep.quant_conv(features).chunk(2, 1)
    return mean, logvar


def outward(deep: AutoencoderKL, latents: Tensor) -> Tensor:
    decoder = deep.decoder
    features = decoder.mid_block(decoder.conv_in(deep.post_quant_conv(latents)))
    inner: Tensor = decoder.up_blocks[1].resnets[0](decoder.up_blocks[0](features, None), None)
    return inner


def _wanted(outer: AutoencoderKL, features: Tensor) -> Tensor:
    """What the outer autoencoder makes of its own features, just within its first block up: n × 96 × 32 × 32."""
    encoder, decoder = outer.encoder, outer.decoder
    coded = encoder.conv_out(functional.silu(encoder.conv_norm_out(encoder.mid_block(features))))
    latents = outer.quant_conv(coded)[:, : outer.config.latent_channels]
    made = decoder.mid_block(decoder.conv_in(outer.post_quant_conv(latents)))
    inner: Tensor = decoder.up_blocks[0].resnets[0](made, None)
    return inner


@dataclass(frozen=True, kw_only=True)
class Example:
    """`picture`, `background`: 3 × height × width in [-1, 1]. `things`: 1 × height × width, 0 or 1, where things are.

    `fields`: of those things, as `layers.fields` gives them. Four of ten are enlarged parts of a scene; in three of ten
    a rectangle is grey and empty.
    """

    picture: Tensor
    background: Tensor
    things: Tensor
    fields: Tensor


def example(number: int, width: int = 256, height: int = 256) -> Example:
    rng = np.random.default_rng(number)
    painting = paint(draw(rng, width=width, height=height))
    if rng.random() < 0.4:
        part = float(rng.uniform(0.55, 1))
        w, h = int(part * width), int(part * height)
        painting = enlarge(painting, (int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1)), w, h))
    picture, background = (
        torch.from_numpy(layer.copy()).permute(2, 0, 1).float() / 127.5 - 1
        for layer in (painting.picture, painting.background)
    )
    things = torch.from_numpy(np.any(painting.masks, axis=0))[None].float()
    fields = layers.fields(painting.scene.things, width, height)
    if rng.random() < 0.3:
        (top, bottom), (left, right) = np.sort(rng.integers(0, height + 1, 2)), np.sort(rng.integers(0, width + 1, 2))
        for layer in (picture, background, things):
            layer[:, top:bottom, left:right] = 0
        fields[:, _cell(top) : _cell(bottom), _cell(left) : _cell(right)] = 0
    return Example(picture=picture, background=background, things=things, fields=fields)


def _cell(edge: int) -> int:
    return (int(edge) + layers.CELL // 2) // layers.CELL


@torch.no_grad()
def lessons(outer: AutoencoderKL, numbers: Sequence[int], where: str) -> dict[str, Tensor]:
    """For each example what both encoders share of it and of its background, what is wanted, and what it means."""
    parts: dict[str, list[Tensor]] = {}
    for first in range(0, len(numbers), 8):
        examples = [example(50_000_000 + number) for number in numbers[first : first + 8]]
        pictures, backgrounds = (
            torch.stack([getattr(one, layer) for one in examples]).to(where) for layer in ("picture", "background")
        )
        features, empty = outside(outer, pictures), outside(outer, backgrounds)
        lesson = {
            "features": features,
            "empty": empty,
            "wanted": _wanted(outer, features),
            "wanted_empty": _wanted(outer, empty),
            "things": functional.max_pool2d(torch.stack([one.things for one in examples]), 8),
            "thumbnails": layers.thumbnail(backgrounds),
            "fields": torch.stack([one.fields for one in examples]),
        }
        for name, part in lesson.items():
            parts.setdefault(name, []).append(part.cpu().half())
    return {name: torch.cat(each) for name, each in parts.items()}


def plain(mean: Tensor, logvar: Tensor) -> Tensor:
    """What keeps latents at a standard deviation of 1 and the encoder's own noise small."""
    over = functional.relu(mean.square().mean((0, 2, 3)) - 1).mean()
    return 1e-3 * mean.square().mean() + 1e-3 * (logvar + 6).square().mean() + 0.5 * over


def run(folder: Path, *, steps: int = 550) -> None:
    """Leave the deep autoencoder in `folder/vae`, float32; needs the outer one in the run `vae` beside it.

    An untrained run goes on from a `folder/vae` that an earlier one left there.
    """
    torch.manual_seed(0)
    where = device()
    outer = AutoencoderKL.from_pretrained(folder.parent / "vae" / "vae").to(where).eval().requires_grad_(False)
    deep = build()
    copied = inherit(deep, outer)
    for name, weight in deep.named_parameters():
        weight.requires_grad_(name not in copied)
    if (folder / "vae").is_dir():
        deep.load_state_dict(AutoencoderKL.from_pretrained(folder / "vae").state_dict())
    deep = deep.to(where)
    known = lessons(outer, range(PICTURES), where)
    spread = known["wanted"][:400].float().std((0, 2, 3), keepdim=True).to(where) + 1e-3

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        rows = torch.randint(0, PICTURES, (BATCH,))
        lesson = {name: part[rows].float().to(where) for name, part in known.items()}
        mean, logvar = inward(deep, torch.cat([lesson["features"], lesson["empty"]]))
        seen, empty = mean.chunk(2)
        taught, latents, wanted, weight = _taught(lesson, seen, empty)
        made = outward(deep, latents)
        error = (weight * ((made - wanted) / spread).square()).mean() / weight.mean()
        return error + taught + plain(mean[:, layers.DETAILS], logvar)

    course = Course(folder=folder, steps=steps, learning_rate=1e-3, warmup=50, device=where, average=0.99)
    train(course, deep, loss_of)
    deep.save_pretrained(folder / "vae")


def _taught(lesson: dict[str, Tensor], seen: Tensor, empty: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """How far the encoder is from what latents should mean; latents to decode, what is wanted of them, and weights.

    A third of the latents is as the encoder has them, a half is put together from a background's and the fields that
    belong there, the rest are backgrounds alone.
    """
    fields, thumbnails = lesson["fields"], lesson["thumbnails"]
    colours = torch.cat([seen, empty])[:, layers.COLOURS_OF] - torch.cat([thumbnails, thumbnails])
    details = seen[:, layers.DETAILS] - empty[:, layers.DETAILS].detach()
    told = torch.cat([seen[:, layers.FIELDS] - fields, empty[:, layers.FIELDS]])
    taught = colours.square().mean() + 0.2 * details.square().mean() + told.square().mean()
    chance = torch.rand(len(seen), 1, 1, 1, device=seen.device)
    alone, whole = chance < 0.17, chance > 0.67
    built = torch.cat([thumbnails, empty[:, layers.DETAILS], torch.where(alone, 0, fields)], 1)
    latents = torch.where(whole, seen, built)
    wanted = torch.where(alone, lesson["wanted_empty"], lesson["wanted"])
    return taught, worn(latents), wanted, 1 + 3 * lesson["things"] * ~alone


def worn(latents: Tensor) -> Tensor:
    """As a denoiser might leave them: with noise from cell to cell and over several, and fields too weak or strong."""
    count = len(latents)
    strength = 1 + 0.15 * torch.randn(count, 1, 1, 1, device=latents.device).clamp(-2, 2)
    latents = torch.cat([latents[:, layers.BACKGROUND], latents[:, layers.FIELDS] * strength], 1)
    broad = layers.broad_noise_like(latents)
    much = torch.rand(count, 1, 1, 1, device=latents.device) * 2 * NOISE
    return latents + much * (torch.randn_like(latents) + broad)
