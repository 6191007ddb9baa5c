"""Train the starter's upscalers, ×2 and ×4: compact convolutional networks that spandrel knows as Compact.

The world is painted small and large; the small picture is what the network gets, shrunk, blurred, compressed or redrawn
by the autoencoder as small pictures come. The target is the large one.
"""

import functools
import io
import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact
from torch import Tensor
from torch.nn import functional

from configs.models import STARTER
from training.run import Course, device, train
from training.scenes import draw, paint

SCALES = (2, 4)
LARGEST = 4
SIDE, CROP = 64, 48
"""Pixels of a piece that is kept, and of what is cut out of it for one step."""
KERNELS = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
STEPS = {2: 1500, 4: 3000}

Picture = NDArray[np.uint8]


def build(scale: int) -> Compact:
    return Compact(num_in_ch=3, num_out_ch=3, num_feat=28, num_conv=5, upscale=scale)


def pieces(folder: Path, scenes: int = 400) -> tuple[Picture, Picture, Picture]:
    """Painted small, redrawn by the autoencoder, painted large (×4): n × side × side × 3; kept in `folder`."""
    kept = folder / "pieces.npz"
    if not kept.exists():
        vae = AutoencoderKL.from_pretrained(STARTER / "checkpoints" / "gesso-starter" / "vae").float().eval()
        rng = np.random.default_rng(60_000)
        made = [piece for _ in range(scenes) for piece in _pieces_of_a_scene(rng, vae)]
        folder.mkdir(parents=True, exist_ok=True)
        small, redrawn, large = (np.stack(part) for part in zip(*made, strict=True))
        np.savez(kept, small=small, redrawn=redrawn, large=large)
    stored = np.load(kept)
    return stored["small"], stored["redrawn"], stored["large"]


def _pieces_of_a_scene(rng: Generator, vae: AutoencoderKL) -> Iterator[tuple[Picture, Picture, Picture]]:
    """The four quarters of a small scene: strokes and blots are as wide as ever, and there are more of them."""
    scene = draw(rng, width=2 * SIDE, height=2 * SIDE)
    small, large = paint(scene).picture, paint(scene, LARGEST).picture
    redrawn = redraw(vae, small)
    for y, x in itertools.product((0, SIDE), repeat=2):
        rows, columns = slice(y, y + SIDE), slice(x, x + SIDE)
        fine = large[y * LARGEST : (y + SIDE) * LARGEST, x * LARGEST : (x + SIDE) * LARGEST]
        yield small[rows, columns], redrawn[rows, columns], fine


@torch.no_grad()
def redraw(vae: AutoencoderKL, picture: Picture) -> Picture:
    """The picture as the autoencoder gives it back."""
    real = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
    made = vae.decode(vae.encode(real).latent_dist.mean).sample[0]
    levels: Picture = made.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    return levels


def _as_found(rng: Generator, small: Picture, redrawn: Picture, large: Picture) -> Picture:
    """The small picture in one of the states in which people have it."""
    choice = rng.random()
    if choice < 0.25:
        return redrawn
    if choice < 0.5:
        image = Image.fromarray(small)
    else:
        image = Image.fromarray(large).resize((SIDE, SIDE), KERNELS[int(rng.integers(len(KERNELS)))])
    if rng.random() < 0.5:
        return np.asarray(image)
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.7))))
    if rng.random() < 0.5:
        noise = rng.normal(0, rng.uniform(0.5, 3), (SIDE, SIDE, 3))
        image = Image.fromarray(np.clip(np.asarray(image) + noise + 0.5, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        packed = io.BytesIO()
        image.save(packed, "JPEG", quality=int(rng.integers(75, 97)))
        image = Image.open(packed)
    return np.asarray(image)


def _cut(rng: Generator, small: Picture, large: Picture) -> tuple[Picture, Picture]:
    """The same crop of both, turned and mirrored alike."""
    x, y = (int(v) for v in rng.integers(0, SIDE - CROP + 1, 2))
    scale = len(large) // SIDE
    small = small[y : y + CROP, x : x + CROP]
    large = large[y * scale : (y + CROP) * scale, x * scale : (x + CROP) * scale]
    turns, mirrored = int(rng.integers(4)), rng.random() < 0.5
    small, large = (np.rot90(side, turns) for side in (small, large))
    return (small[:, ::-1], large[:, ::-1]) if mirrored else (small, large)


def _shrink(large: Picture, scale: int) -> Picture:
    """From ×4 to the scale that is learnt: the mean of each square of pixels."""
    if scale == LARGEST:
        return large
    return np.asarray(Image.fromarray(large).reduce(LARGEST // scale))


def _tensor(pictures: list[Picture], where: str) -> Tensor:
    """n × 3 × height × width in 0..1."""
    return torch.from_numpy(np.stack(pictures)).to(where).permute(0, 3, 1, 2).float() / 255


def _loss(network: Compact, kept: tuple[Picture, Picture, Picture], where: str, step: int) -> Tensor:
    rng = np.random.default_rng(61_000 + step)
    given, wanted = [], []
    for index in rng.integers(len(kept[0]), size=8):
        small, redrawn, large = (part[index] for part in kept)
        a, b = _cut(rng, _as_found(rng, small, redrawn, large), _shrink(large, network.upscale))
        given.append(a)
        wanted.append(b)
    made, truth = network(_tensor(given, where)), _tensor(wanted, where)
    loss = functional.l1_loss(made, truth)
    for axis in (2, 3):  # as sharp as the truth: an absolute error alone leaves thin lines pale
        loss = loss + 0.5 * functional.l1_loss(made.diff(dim=axis), truth.diff(dim=axis))
    return 10 * loss


def measure(network: Compact, scale: int, number: int = 12) -> str:
    """A row of docs/starter.md: scenes that no training saw, enlarged by the network and by Lanczos."""
    rng = np.random.default_rng(7_100_000)
    network = network.cpu().eval()
    rows = []
    for _ in range(number):
        scene = draw(rng)
        small, large = paint(scene).picture, paint(scene, scale).picture.astype(np.float32)
        with torch.no_grad():
            made = network(_tensor([small], "cpu"))[0].clamp(0, 1).mul(255).round().permute(1, 2, 0).numpy()
        resampled = Image.fromarray(small).resize(large.shape[1::-1], Image.Resampling.LANCZOS)
        plain = np.asarray(resampled, np.float32)
        rows.append([_psnr(made, large), _psnr(plain, large), *(_energy(p) / _energy(large) for p in (made, plain))])
    ours, lanczos, sharp, soft = np.mean(rows, axis=0)
    return f"| ×{scale} | {ours:.1f} dB | {lanczos:.1f} dB | {sharp:.2f} | {soft:.2f} |"


def _psnr(picture: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    return float(10 * np.log10(255**2 / np.square(picture - truth).mean()))


def _energy(picture: NDArray[np.float32]) -> float:
    """Mean squared step from pixel to pixel."""
    return float(sum(np.square(np.diff(picture, axis=axis)).mean() for axis in (0, 1)))


def _finer(weights: dict[str, Tensor], scale: int) -> dict[str, Tensor]:
    """The weights of a network of a smaller scale for this one, which then makes the same picture in larger pixels."""
    last = f"body.{max(int(name.split('.')[1]) for name in weights)}."
    count = len(weights[f"{last}bias"]) // 3
    side = math.isqrt(count)
    near = torch.arange(scale) * side // scale
    which = (torch.arange(3)[:, None, None] * count + near[:, None] * side + near).flatten()
    return {name: weight[which] if name.startswith(last) else weight for name, weight in weights.items()}


def run(folder: Path, *, steps: int | None = None) -> None:
    """Leave `folder/gesso-starter-x2.safetensors` and `-x4`, float32; print what they reach. ×4 starts from ×2."""
    where, smaller = device(), None
    kept = pieces(folder)
    for scale in SCALES:
        torch.manual_seed(0)
        network = build(scale).to(where)
        if smaller is not None:
            network.load_state_dict(_finer(smaller, scale))
        course = Course(
            folder=folder / f"x{scale}",
            steps=steps or STEPS[scale],
            learning_rate=2e-3,
            device=where,
            average=0.995,
        )
        train(course, network, functools.partial(_loss, network, kept, where))
        smaller = {k: v.detach().clone() for k, v in network.state_dict().items()}
        save_file(network.cpu().state_dict(), folder / f"gesso-starter-x{scale}.safetensors")
        print(measure(network, scale), flush=True)
