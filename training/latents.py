"""Scenes as the denoiser sees them: latents, masked latents, masks, and what may be said of them.

A shard is a `.pt` file of samples of one size. Each sample is one of three exercises: paint all (`whole`), paint one
thing or nothing into a hole (`hole`), go on beyond the picture's border (`border`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional

from training import captions
from training.run import device, precision
from training.scenes import Painting, Scene, Thing, draw, paint

SIZES = ((256, 256), (288, 224), (224, 288), (352, 192), (192, 352), (352, 352), (352, 256), (256, 352))
SHARE = (0.56, 0.11, 0.11, 0.04, 0.04, 0.04, 0.05, 0.05)
SHARD = 192


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """`mask`, `seen`: height × width bool, True = paint here, True = part of a thing.

    `thing`: what goes into the hole, if it is one thing.
    """

    kind: str
    scene: Scene
    picture: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    thing: Thing | None = None

    def caption(self, rng: Generator) -> str:
        if self.kind == "hole":
            return captions.of_hole(rng, self.scene, self.thing) if self.thing else captions.of_place(rng, self.scene)
        if self.kind == "border" and rng.random() < 0.4:
            return captions.of_place(rng, self.scene)
        return captions.of_scene(rng, self.scene)


def exercise(rng: Generator, width: int, height: int) -> Exercise:
    kind = str(
        rng.choice(["whole", "hole", "border"], p=[0.5, 0.28, 0.22] if width * height < 80_000 else [0.1, 0.2, 0.7])
    )
    painting = paint(draw(rng, width=width, height=height))
    seen = np.any(painting.masks, axis=0)
    if kind == "whole":
        mask = np.ones((height, width), bool)
        return Exercise(kind=kind, scene=painting.scene, picture=painting.picture, mask=mask, seen=seen)
    if kind == "border":
        return _border(rng, painting, seen)
    return _hole(rng, painting, seen)


def _border(rng: Generator, painting: Painting, seen: NDArray[np.bool_]) -> Exercise:
    height, width = painting.picture.shape[:2]
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
    return Exercise(kind="border", scene=painting.scene, picture=painting.picture, mask=mask, seen=seen)


def _hole(rng: Generator, painting: Painting, seen: NDArray[np.bool_]) -> Exercise:
    scene, (height, width) = painting.scene, painting.picture.shape[:2]
    if rng.random() < 0.2:
        thing, (x0, y0, x1, y1) = None, _empty_box(rng, painting)
        shape = np.zeros((height, width), bool)
        shape[y0:y1, x0:x1] = True
    else:
        index = int(rng.integers(len(scene.things)))
        thing = scene.things[index]
        shape = _around(rng, painting.masks[index], scene, thing)
    picture = painting.picture
    if rng.random() < 0.5 and shape.any():
        picture, shape, seen = _closer(rng, picture, shape, seen)
    return Exercise(kind="hole", scene=scene, picture=picture, mask=shape, seen=seen, thing=thing)


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


def _empty_box(rng: Generator, painting: Painting) -> tuple[int, int, int, int]:
    height, width = painting.picture.shape[:2]
    box = (0, 0, width // 4, height // 4)
    for _ in range(10):
        w, h = int(rng.uniform(0.15, 0.5) * width), int(rng.uniform(0.15, 0.5) * height)
        x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
        box = (x, y, x + w, y + h)
        if not any(mask[y : y + h, x : x + w].any() for mask in painting.masks):
            break
    return box


def _closer(
    rng: Generator, picture: NDArray[np.uint8], mask: NDArray[np.bool_], seen: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
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
    cut = Image.fromarray(picture[y : y + h, x : x + w]).resize((width, height), Image.Resampling.LANCZOS)
    hole, things = (
        np.asarray(Image.fromarray(layer[y : y + h, x : x + w]).resize((width, height), Image.Resampling.NEAREST))
        for layer in (mask, seen)
    )
    return np.asarray(cut), hole, things


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: NDArray[np.uint8], masks: NDArray[np.bool_] | None = None) -> Tensor:
    """Scaled latents, n × channels × rows × columns, of the pictures with their masks, if any, greyed out."""
    where = next(vae.parameters()).device
    real = torch.from_numpy(pictures).to(where).permute(0, 3, 1, 2).float() / 127.5 - 1
    if masks is not None:
        real = real * ~torch.from_numpy(masks).to(where)[:, None]
    with precision(where.type):
        parts = [vae.encode(part).latent_dist.mean for part in real.split(16)]
    return torch.cat(parts).float().cpu() * vae.config.scaling_factor


def _cells(seen: NDArray[np.bool_], side: int) -> Tensor:
    """Which latent cells, `side` px wide, show a part of a thing: n × 1 × height/side × width/side, bool."""
    return functional.max_pool2d(torch.from_numpy(seen[:, None]).float(), side) > 0


def make_shard(vae: AutoencoderKL, number: int) -> dict[str, object]:
    rng = np.random.default_rng(1_000_000 + number)
    side = 2 ** (len(vae.config.block_out_channels) - 1)
    width, height = SIZES[int(rng.choice(len(SIZES), p=SHARE))]
    done = [exercise(rng, width, height) for _ in range(SHARD)]
    pictures, masks = np.stack([e.picture for e in done]), np.stack([e.mask for e in done])
    masked = encode(vae, pictures[:1], np.ones((1, height, width), bool)).repeat(SHARD, 1, 1, 1)
    partly = np.flatnonzero([e.kind != "whole" for e in done])
    masked[partly] = encode(vae, pictures[partly], masks[partly])
    return {
        "latents": encode(vae, pictures).half(),
        "masked": masked.half(),
        "masks": torch.from_numpy(masks[:, None, ::side, ::side].copy()),
        "seen": _cells(np.stack([e.seen for e in done]), side),
        "things": torch.tensor([len(e.scene.things) for e in done]),
        "captions": [[e.caption(rng) for _ in range(6)] for e in done],
    }


def deepest(runs: Path) -> Path:
    """The autoencoder to paint with: the deep one, or that of cells of 8² px where there is no other."""
    deep = runs / "deepen" / "vae"
    return deep if deep.is_dir() else runs / "vae" / "vae"


def run(folder: Path, *, steps: int = 130) -> None:
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
