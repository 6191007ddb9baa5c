"""Scenes as the denoiser sees them: latents, masked latents, masks, and what may be said of them.

A shard is a `.pt` file of samples of one size. Each sample is one of three exercises: paint all (`whole`), paint one
thing or nothing into a hole (`hole`), go on beyond the picture's border (`border`). What a latent should be is known
from the scene, so that only details and masked pictures have to be encoded, and a whole one's things may change.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional

from training import layers
from training.furnishing import Kind
from training.run import device, precision
from training.scenes import Painting, Scene, Thing, draw, enlarge, paint

SIZES = ((256, 256), (288, 224), (224, 288), (352, 192), (192, 352), (352, 352), (352, 256), (256, 352))
SHARE = (0.56, 0.11, 0.11, 0.04, 0.04, 0.04, 0.05, 0.05)
SHARD = 192


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """`mask`: height × width bool, True = paint here. `inside`: which thing stands in the hole; -1: none."""

    kind: Kind
    painting: Painting
    mask: NDArray[np.bool_]
    inside: int = -1


def exercise(rng: Generator, width: int, height: int) -> Exercise:
    shares = [0.3, 0.5, 0.2] if width * height < 80_000 else [0.1, 0.4, 0.5]
    kind = str(rng.choice(["whole", "hole", "border"], p=shares))
    painting = paint(draw(rng, width=width, height=height))
    if kind == "whole":
        return Exercise(kind="whole", painting=painting, mask=np.ones((height, width), bool))
    return _border(rng, painting) if kind == "border" else _hole(rng, painting)


def _border(rng: Generator, painting: Painting) -> Exercise:
    height, width = painting.picture.shape[:2]
    seen = np.any(painting.masks, axis=0)
    for _ in range(8):
        mask = np.zeros((height, width), bool)
        for side in rng.permutation(4)[: rng.choice([1, 2], p=[0.5, 0.5])]:
            depth = rng.uniform(0.15, 0.42)
            if side == 0:
                mask[:, : int(depth * width)] = True
            elif side == 1:
                mask[:, width - int(depth * width) :] = True
            elif side == 2:
                mask[: int(depth * height)] = True
            else:
                mask[height - int(depth * height) :] = True
        if not (mask & seen).any():
            break
    return Exercise(kind="border", painting=painting, mask=mask)


def _hole(rng: Generator, painting: Painting) -> Exercise:
    scene = painting.scene
    if rng.random() < 0.6:
        shape = _anywhere(rng, scene)
        painting, inside = _without_hidden(painting, shape), -1
    else:
        inside = int(rng.integers(len(scene.things)))
        shape = _around(rng, painting.masks[inside], scene, scene.things[inside])
    if rng.random() < 0.75 and shape.any():
        painting, shape = _closer(rng, painting, shape)
    return Exercise(kind="hole", painting=painting, mask=shape, inside=inside)


def _anywhere(rng: Generator, scene: Scene) -> NDArray[np.bool_]:
    """A box, now and then an ellipse, often about as wide as high."""
    side = float(rng.uniform(0.2, 0.55)) * min(scene.width, scene.height)
    w, h = (side * float(rng.uniform(0.8, 1.25)) for _ in range(2)) if rng.random() < 0.5 else (side, side)
    left, top = float(rng.uniform(0, scene.width - w)), float(rng.uniform(0, scene.height - h))
    y, x = np.mgrid[: scene.height, : scene.width].astype(np.float32)
    if rng.random() < 0.8:
        return (x >= left) & (x < left + w) & (y >= top) & (y < top + h)
    return np.hypot((x - left) / w - 0.5, (y - top) / h - 0.5) < 0.5


def _without_hidden(painting: Painting, mask: NDArray[np.bool_]) -> Painting:
    """Without the things whose middle lies in the hole; the picture still shows them."""
    kept = [
        (thing, seen)
        for thing, seen in zip(painting.scene.things, painting.masks, strict=True)
        if not mask[int(thing.y), int(thing.x)]
    ]
    scene = replace(painting.scene, things=tuple(thing for thing, _ in kept))
    return replace(painting, scene=scene, masks=tuple(seen for _, seen in kept))


def _around(rng: Generator, seen: NDArray[np.bool_], scene: Scene, thing: Thing) -> NDArray[np.bool_]:
    """A box, an ellipse or a blob that holds the thing, loosely."""
    y, x = np.mgrid[: scene.height, : scene.width].astype(np.float32)
    ys, xs = np.nonzero(seen) if seen.any() else (np.array([thing.y]), np.array([thing.x]))
    x0, x1 = xs.min() - rng.uniform(2, 30), xs.max() + rng.uniform(2, 30)
    y0, y1 = ys.min() - rng.uniform(2, 30), ys.max() + rng.uniform(2, 30)
    choice = rng.random()
    if choice < 0.7:
        return (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    if choice < 0.85:
        return np.hypot((x - (x0 + x1) / 2) / (x1 - x0), (y - (y0 + y1) / 2) / (y1 - y0)) < 0.68
    size = 2 * int(rng.integers(4, 16)) + 1
    grown = Image.fromarray(seen).convert("L").resize((scene.width // 4, scene.height // 4))
    grown = grown.filter(ImageFilter.MaxFilter(max(3, size // 4 | 1))).resize((scene.width, scene.height))
    return np.asarray(grown) > 20


def _closer(rng: Generator, painting: Painting, mask: NDArray[np.bool_]) -> tuple[Painting, NDArray[np.bool_]]:
    """Cut a window around the hole and enlarge it, as the server does before it inpaints."""
    height, width = mask.shape
    ys, xs = np.nonzero(mask)
    need = max((xs.max() - xs.min() + 1) / width, (ys.max() - ys.min() + 1) / height, 0.0) * 1.1
    field = float(rng.uniform(min(max(need, 0.55), 1), 1))
    w, h = int(field * width), int(field * height)
    x = int(np.clip(xs.mean() - w / 2 + rng.uniform(-0.1, 0.1) * w, max(xs.max() + 1 - w, 0), min(xs.min(), width - w)))
    y = int(
        np.clip(ys.mean() - h / 2 + rng.uniform(-0.1, 0.1) * h, max(ys.max() + 1 - h, 0), min(ys.min(), height - h))
    )
    hole = Image.fromarray(mask[y : y + h, x : x + w]).resize((width, height), Image.Resampling.NEAREST)
    return enlarge(painting, (x, y, w, h)), np.asarray(hole)


def _real(pictures: NDArray[np.uint8]) -> Tensor:
    """n × height × width × 3 of 0 to 255 as n × 3 × height × width in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: NDArray[np.uint8], masks: NDArray[np.bool_] | None = None) -> Tensor:
    """Scaled latents, n × channels × rows × columns, of the pictures with their masks, if any, greyed out."""
    where = next(vae.parameters()).device
    real = _real(pictures).to(where)
    if masks is not None:
        real = real * ~torch.from_numpy(masks).to(where)[:, None]
    with precision(where.type):
        parts = [vae.encode(part).latent_dist.mean for part in real.split(16)]
    return torch.cat(parts).float().cpu() * vae.config.scaling_factor


def make_shard(vae: AutoencoderKL, number: int) -> dict[str, object]:
    """`background`, `masked`: n × 7 × rows × columns; `masks`, `hidden`: n × 1 × rows × columns, bool, True = paint.

    A cell of `masks` is what its first pixel is, as diffusers has it; one of `hidden` what most of its pixels are.
    `kinds`, `scenes` and `inside` are what `training.furnishing` asks for; things are in none of the latents.
    """
    rng = np.random.default_rng(1_000_000 + number)
    width, height = SIZES[int(rng.choice(len(SIZES), p=SHARE))]
    done = [exercise(rng, width, height) for _ in range(SHARD)]
    backgrounds = np.stack([e.painting.background for e in done])
    background = encode(vae, backgrounds)[:, layers.BACKGROUND]
    background[:, layers.COLOURS_OF] = layers.thumbnail(_real(backgrounds))
    masks = np.stack([e.mask for e in done])
    blank = encode(vae, backgrounds[:1], np.ones((1, height, width), bool))[:, layers.BACKGROUND]
    masked = blank.repeat(SHARD, 1, 1, 1)
    partly = np.flatnonzero([e.kind != "whole" for e in done])
    masked[partly] = encode(vae, backgrounds[partly], masks[partly])[:, layers.BACKGROUND]
    return {
        "background": background.half(),
        "masked": masked.half(),
        "masks": torch.from_numpy(masks[:, None, :: layers.CELL, :: layers.CELL].copy()),
        "hidden": functional.avg_pool2d(torch.from_numpy(masks[:, None]).float(), layers.CELL) >= 0.5,
        "kinds": [e.kind for e in done],
        "scenes": [asdict(e.painting.scene) for e in done],
        "inside": [e.inside for e in done],
    }


def deepest(runs: Path) -> Path:
    """The autoencoder to paint with, as far as it has been trained."""
    made = (runs / part / "vae" for part in ("halves", "deepen"))
    return next((folder for folder in made if folder.is_dir()), runs / "vae" / "vae")


def run(folder: Path, *, steps: int = 40) -> None:
    """Write `steps` shards of 192 samples to `folder`; those that are there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    vae = AutoencoderKL.from_pretrained(deepest(folder.parent)).to(device()).eval()
    for number in range(steps):
        path = folder / f"{number:04d}.pt"
        if not path.exists():
            partial = path.with_suffix(".partial")
            torch.save(make_shard(vae, number), partial)
            partial.replace(path)
            print("shard", number, flush=True)
