"""Train the deep autoencoder's decoder on whole pictures; its encoder, and so every latent, stays as it is."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from training import deepen
from training.run import Course, device, train
from training.vae import unlikeness

BATCH = 3
SIZES = ((256, 256), (256, 256), (288, 224), (224, 288), (256, 256))


def run(folder: Path, *, steps: int = 1500) -> None:
    """Leave the autoencoder in `folder/vae`, float32; needs the run `deepen` beside it."""
    torch.manual_seed(0)
    where = device()
    vae = AutoencoderKL.from_pretrained(folder.parent / "deepen" / "vae").to(where)
    for part in (vae.encoder, vae.quant_conv):
        part.requires_grad_(requires_grad=False)

    def loss_of(step: int) -> Tensor:
        torch.manual_seed(step)
        width, height = SIZES[step % len(SIZES)]
        examples = [deepen.example(60_000_000 + BATCH * step + i, width, height) for i in range(BATCH)]
        real = torch.stack([picture for picture, _ in examples]).to(where)
        things = torch.stack([things for _, things in examples]).to(where)
        with torch.no_grad():
            mean = vae.encode(real).latent_dist.mean
        made = vae.decode(mean + deepen.NOISE / 2 * torch.randn_like(mean)).sample
        return unlikeness(made, real, things)

    course = Course(folder=folder, steps=steps, learning_rate=8e-4, device=where, average=0.99, save_every=50)
    train(course, vae, loss_of)
    vae.save_pretrained(folder / "vae")
