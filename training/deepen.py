"""Train an autoencoder of 16² px cells from the one of 8² px: 256² pictures to 16² latents of 8 channels.

Everything at 32² cells and finer is taken over; what lies within learns to give back the features that the outer
decoder expects. All of that happens at 32² cells and below, so that it takes minutes. `training.decoder` goes on.

The first three channels are a thumbnail: the mean colours of the cells. Left to itself the autoencoder scatters colours
over all channels and from cell to cell, and a denoiser has no coarse picture to begin with.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from training import vae
from training.run import Course, device, train
from training.scenes import draw, paint

PICTURES = 2400
BATCH = 16
NOISE = 0.2
"""Standard deviation of what is added to latents (theirs is 1) before they are decoded, for no denoiser is exact."""
LIGHTNESS = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 2.0, -1.0))
MIDDLE = (0.57, -0.11, 0.03)
SPREAD = (1.3, 0.57, 0.51)
"""Of red, green and blue in [-1, 1]: how light, how warm, how green; means and standard deviations over scenes."""


def build() -> AutoencoderKL:
    return vae.build(widths=(16, 32, 64, 96, 128), channels=8)


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
    """Mean and logarithm of the variance of the latents, n × 8 × 16 × 16 each, of what `outside` gives."""
    encoder = deep.encoder
    features = encoder.down_blocks[4](encoder.down_blocks[3].downsamplers[0](features))
    features = encoder.conv_out(functional.silu(encoder.conv_norm_out(encoder.mid_block(features))))
    mean, logvar = deep.quant_conv(features).chunk(2, 1)
    return mean, logvar


def _outward(deep: AutoencoderKL, latents: Tensor) -> Tensor:
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


def example(number: int, width: int = 256, height: int = 256) -> tuple[Tensor, Tensor]:
    """A picture, 3 × height × width in [-1, 1], in three of ten with a grey rectangle; where things are, 0 or 1."""
    rng = np.random.default_rng(number)
    painting = paint(draw(rng, width=width, height=height))
    picture = torch.from_numpy(painting.picture).permute(2, 0, 1).float() / 127.5 - 1
    things = torch.from_numpy(np.any(painting.masks, axis=0))[None].float()
    if rng.random() < 0.3:
        (top, bottom), (left, right) = np.sort(rng.integers(0, height + 1, 2)), np.sort(rng.integers(0, width + 1, 2))
        picture[:, top:bottom, left:right] = 0
        things[:, top:bottom, left:right] = 0
    return picture, things


def thumbnail(pictures: Tensor) -> Tensor:
    """n × 3 × 16 × 16 numbers of standard deviation 1 of n × 3 × 256 × 256 pictures in [-1, 1]: see `LIGHTNESS`."""
    mixed = torch.einsum("kc,ncyx->nkyx", torch.tensor(LIGHTNESS), functional.avg_pool2d(pictures, 16))
    return (mixed - torch.tensor(MIDDLE)[:, None, None]) / torch.tensor(SPREAD)[:, None, None]


@torch.no_grad()
def _lessons(outer: AutoencoderKL, count: int, where: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features, wanted features, where things are, and thumbnails, of so many pictures, in half precision."""
    parts = []
    for first in range(0, count, 8):
        examples = [example(50_000_000 + first + i) for i in range(8)]
        pictures = torch.stack([picture for picture, _ in examples])
        features = outside(outer, pictures.to(where))
        things = functional.max_pool2d(torch.stack([things for _, things in examples]), 8)
        lesson = (features.cpu(), _wanted(outer, features).cpu(), things, thumbnail(pictures))
        parts.append(tuple(part.half() for part in lesson))
    features, wanted, things, thumbnails = (torch.cat(part) for part in zip(*parts, strict=True))
    return features, wanted, things, thumbnails


def plain(mean: Tensor, logvar: Tensor) -> Tensor:
    """What keeps latents at a standard deviation of 1 and the encoder's own noise small."""
    over = functional.relu(mean.square().mean((0, 2, 3)) - 1).mean()
    return 1e-3 * mean.square().mean() + 1e-3 * (logvar + 6).square().mean() + 1e-2 * over


def run(folder: Path, *, steps: int = 900) -> None:
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
    features, wanted, things, thumbnails = _lessons(outer, PICTURES, where)
    spread = wanted[:400].float().std((0, 2, 3), keepdim=True).to(where) + 1e-3

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        rows = torch.randint(0, len(features), (BATCH,))
        mean, logvar = inward(deep, features[rows].float().to(where))
        made = _outward(deep, mean + NOISE * torch.randn_like(mean))
        weight = 1 + 3 * things[rows].float().to(where)
        error = (weight * ((made - wanted[rows].float().to(where)) / spread).square()).mean() / weight.mean()
        colours = (mean[:, :3] - thumbnails[rows].float().to(where)).square().mean()
        return error + colours + plain(mean, logvar)

    course = Course(folder=folder, steps=steps, learning_rate=2e-3, warmup=50, device=where, average=0.99)
    train(course, deep, loss_of)
    deep.save_pretrained(folder / "vae")
