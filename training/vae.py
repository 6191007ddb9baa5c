"""Train the starter's AutoencoderKL: 256² pictures to 32² latents of 4 channels."""

import functools
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from training.run import Course, device, precision, train
from training.scenes import draw, paint


def build(*, widths: tuple[int, ...] = (16, 32, 64, 96), channels: int = 4) -> AutoencoderKL:
    """widths: of its blocks, from the outermost on; each but the last halves the sides. channels: of the latents."""
    return AutoencoderKL(
        block_out_channels=widths,
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=256,
        force_upcast=False,
        scaling_factor=1.0,
    )


@functools.cache
def _pictures(count: int) -> Tensor:
    rng = np.random.default_rng(1)
    sizes = ((256, 256), (288, 224), (224, 288), (256, 256))
    crops = []
    for i in range(count):
        width, height = sizes[i % 4]
        painting = paint(draw(rng, width=width, height=height))
        layers = np.dstack([painting.picture, np.any(painting.masks, axis=0)])
        crops.append(torch.from_numpy(layers[:224, :224].copy()))
    return torch.stack(crops).permute(0, 3, 1, 2).contiguous()


CROPS_UNTIL = 2700  # then whole pictures: group normalisation sees another colour statistic in a crop


def _batch(step: int) -> tuple[Tensor, Tensor]:
    """Pictures, n × 3 × side × side in [-1, 1], and where things are, n × 1 × side × side, 0 or 1.

    One in four has a grey rectangle, as a masked picture has.
    """
    size, side = (8, 128) if step < CROPS_UNTIL else (3, 224)
    rng = np.random.default_rng(10_000 + step)
    pictures = _pictures(2400)
    out = torch.empty(size, 4, side, side)
    for i in range(size):
        y, x = rng.integers(0, 224 - side + 1, 2)
        crop = pictures[rng.integers(len(pictures)), :, y : y + side, x : x + side].float()
        crop[:3] = crop[:3] / 127.5 - 1
        if rng.random() < 0.5:
            crop = crop.flip(-1)
        if rng.random() < 0.25:
            (y0, y1), (x0, x1) = np.sort(rng.integers(0, side + 1, (2, 2)), axis=1)
            crop[:, y0:y1, x0:x1] = 0
        out[i] = crop
    return out[:, :3], out[:, 3:]


def _gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 1:, :] - x[..., :-1, :], x[..., :, 1:] - x[..., :, :-1]


def unlikeness(made: Tensor, real: Tensor, things: Tensor) -> Tensor:
    """How far pictures, n × 3 × height × width in [-1, 1], are from the real ones; things: 1 where they are."""
    weight = 1 + 5 * things  # else a small thing's colour is worth little, and green, brown and black become one
    loss = (weight * ((made - real).abs() + 2 * (made - real).square())).mean()
    loss = loss + 3 * functional.avg_pool2d(weight * (made - real), 8).abs().mean()
    for a, b in zip(_gradients(made), _gradients(real), strict=True):
        loss = loss + 1.5 * (a - b).abs().mean()
    return loss


def _loss(model: AutoencoderKL, where: str, step: int) -> Tensor:
    real, things = (t.to(where) for t in _batch(step))
    with precision(where):
        posterior = model.encode(real).latent_dist
        made = model.decode(posterior.sample()).sample
    made, mean, logvar = made.float(), posterior.mean.float(), posterior.logvar.float()
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return unlikeness(made, real, things) + 2e-4 * kl


def run(folder: Path, *, steps: int = 4000) -> None:
    """Train in `folder` (resuming what lies there) and leave the model in `folder/vae`, float32.

    An untrained run goes on from a `folder/vae` that `training.unpack` or an earlier run left there.
    """
    torch.manual_seed(0)
    where = device()
    model = build().to(where)
    rate = 2.5e-3
    if (folder / "vae").is_dir():
        rate = 6e-4
        model.load_state_dict(AutoencoderKL.from_pretrained(folder / "vae").state_dict())
    course = Course(folder=folder, steps=steps, learning_rate=rate, device=where, average=0.995)
    train(course, model, functools.partial(_loss, model, where))
    model.eval()
    with torch.no_grad():
        latents = torch.cat([model.encode(_batch(90_000 + i)[0].to(where)).latent_dist.mean for i in range(20)])
    model.register_to_config(scaling_factor=round(1 / float(latents.std()), 4))
    print("latents: mean", latents.mean((0, 2, 3)).tolist(), "std", latents.std((0, 2, 3)).tolist())
    model.save_pretrained(folder / "vae")
