"""Train the deep autoencoder's decoder on whole pictures; its encoder, and so every latent, stays as it is.

Three of four batches are decoded from what a denoiser is taught to make, the others from what the encoder sees.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from training import deepen, layers
from training.latents import deepest
from training.run import Course, device, precision, train
from training.vae import unlikeness

BATCH = 3
RIM = 4
SIZES = ((256, 256), (256, 256), (288, 224), (224, 288), (256, 256))


def _rim(pictures: Tensor) -> Tensor:
    """1 within RIM px of a border, where a convolution knows least and a continued picture shows it."""
    rim = torch.ones_like(pictures)
    rim[..., RIM:-RIM, RIM:-RIM] = 0
    return rim


def run(folder: Path, *, steps: int = 400) -> None:
    """Leave the autoencoder in `folder/vae`, float32; needs the run `halves` (or `deepen`) beside it."""
    torch.manual_seed(0)
    where = device()
    vae = AutoencoderKL.from_pretrained(deepest(folder.parent)).to(where, memory_format=torch.channels_last)
    for part in (vae.encoder, vae.quant_conv):
        part.requires_grad_(requires_grad=False)

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        width, height = SIZES[step % len(SIZES)]
        examples = [deepen.example(60_000_000 + BATCH * step + i, width, height) for i in range(BATCH)]
        real, background, things, fields = (
            torch.stack([getattr(one, layer) for one in examples]).to(where)
            for layer in ("picture", "background", "things", "fields")
        )
        built = step % 4 > 0
        with torch.no_grad():
            latents = vae.encode(background if built else real).latent_dist.mean
        if built:
            latents = torch.cat([layers.thumbnail(background), latents[:, layers.DETAILS], fields], 1)
        with precision(where):
            made = vae.decode(deepen.worn(latents)).sample
        return unlikeness(made.float(), real, torch.maximum(things, _rim(things)))

    course = Course(folder=folder, steps=steps, learning_rate=3e-4, device=where, average=0.99, save_every=50)
    train(course, vae, loss_of)
    vae.save_pretrained(folder / "vae")
