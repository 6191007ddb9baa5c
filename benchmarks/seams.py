"""Seams of four ways to put a generated patch back into a picture, on scenes and on photographs.

The patch is the picture itself as a model might give it back: colours, contrast and light off, a little blurred, and
with other content in the middle of the hole. What each way makes of it is judged by `pipelines.seam_score`.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines import seam, seam_score
from pipelines.plans import Mask, Pixels
from training.scenes import draw, paint

DEEP = 16
"""Pixels inside the mask from which on the patch's content must have survived."""

PHOTOGRAPHS = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "motorcycle_left.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "retina.jpg",
)

Way = Callable[[Pixels, Pixels, Mask], Pixels]


@dataclass(frozen=True, kw_only=True)
class Case:
    """original, patch: height × width × 3. mask: 0 or 255."""

    original: Pixels
    patch: Pixels
    mask: Mask


def run(*, cases: int = 240) -> None:
    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in WAYS}
    for case in _cases(cases):
        for name, way in WAYS.items():
            began = time.perf_counter()
            made = way(case.original, case.patch, case.mask)
            seconds = time.perf_counter() - began
            rows[name].append((*_judge(case, made), seconds))
    print(f"{cases} cases\n")
    print("| way | colour, median | 95 % | slope, median | 95 % | known pixels changed | SSIM, mean | worst 5 % | ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, values in rows.items():
        colour, slope, changed, alike, seconds = np.array(values).T
        print(
            f"| {name} | {np.median(colour):.2f} | {np.quantile(colour, 0.95):.2f} | {np.median(slope):.2f} | "
            f"{np.quantile(slope, 0.95):.2f} | {changed.mean():.0f} | {np.nanmean(alike):.3f} | "
            f"{np.nanquantile(alike, 0.05):.3f} | {1000 * np.median(seconds):.0f} |"
        )


def plain(original: Pixels, patch: Pixels, mask: Mask) -> Pixels:
    return np.where(mask[..., None] > 127, patch, original)


def feathered(original: Pixels, patch: Pixels, mask: Mask) -> Pixels:
    """As Fooocus does: full within, then 8 levels less for each pixel outside (contract 7.1, step 9)."""
    import cv2

    beyond = cv2.distanceTransform((mask <= 127).astype(np.uint8), cv2.DIST_C, 3)
    weight = (np.clip(256 - 8 * beyond, 0, 255) / 255)[..., None]
    weight[mask > 127] = 1
    return np.clip(np.rint(original + weight * (patch.astype(np.float32) - original)), 0, 255).astype(np.uint8)


def overlaid(original: Pixels, patch: Pixels, mask: Mask) -> Pixels:
    """diffusers' `padding_mask_crop`: its own overlay of the crop around the mask."""
    from diffusers.image_processor import VaeImageProcessor

    processor = VaeImageProcessor(vae_scale_factor=8)
    height, width = mask.shape
    crop = processor.get_crop_region(Image.fromarray(mask), width, height, pad=32)
    made = Image.fromarray(patch).crop(crop).resize((width, height), Image.Resampling.LANCZOS)
    laid = processor.apply_overlay(Image.fromarray(mask), Image.fromarray(original), made, crop)
    return np.asarray(laid.convert("RGB"))


def untouched(original: Pixels, patch: Pixels, mask: Mask) -> Pixels:
    """The picture itself: what its own edges are worth in this score, where nothing was done at all."""
    return original


WAYS: dict[str, Way] = {
    "plain paste": plain,
    "31 px feather": feathered,
    "diffusers' overlay": overlaid,
    "Gesso": seam.paste,
    "(the picture itself)": untouched,
}


def _judge(case: Case, made: Pixels) -> tuple[float, float, float, float]:
    hole = case.mask > 127
    score = seam_score.measure(case.original, made, hole)
    assert score
    changed = float((made[~hole] != case.original[~hole]).any(-1).sum())
    return score.colour, score.slope, changed, _likeness(case.patch, made, hole)


def _likeness(patch: Pixels, made: Pixels, hole: NDArray[np.bool_]) -> float:
    """Structural similarity, deep within the hole, of what was made with the patch after one global match of colour."""
    import cv2
    from skimage.metrics import structural_similarity

    deep = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5) >= DEEP
    if deep.sum() < 100:
        return float("nan")
    ours, theirs = made[deep].astype(np.float64), patch[deep].astype(np.float64)
    matched = (patch - theirs.mean(0)) * (ours.std(0) / np.maximum(theirs.std(0), 1e-6)) + ours.mean(0)
    _, similar = structural_similarity(
        matched, made.astype(np.float64), channel_axis=-1, data_range=255, full=True, gaussian_weights=True, sigma=1.5
    )
    return float(similar[deep].mean())


def _cases(number: int) -> Iterator[Case]:
    photographs = [photograph(name) for name in PHOTOGRAPHS]
    for i in range(number):
        rng = np.random.default_rng(40_000 + i)
        original = photographs[i // 2 % len(photographs)] if i % 2 else paint(draw(rng)).picture
        mask = _mask(rng, original.shape[0], original.shape[1])
        other = photographs[int(rng.integers(len(photographs)))]
        yield Case(original=original, patch=_generated(rng, original, mask, other), mask=mask)


def photograph(name: str) -> Pixels:
    from importlib.resources import files

    with Image.open(str(files("skimage.data").joinpath(name))) as image:
        picture = image.convert("RGB")
    picture.thumbnail((384, 384))
    return np.asarray(picture)


def _mask(rng: Generator, height: int, width: int) -> Mask:
    """A box, an ellipse, a blob or the picture's margin (as in outpainting)."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    w, h = rng.uniform(0.25, 0.55) * width, rng.uniform(0.25, 0.55) * height
    cx, cy = rng.uniform(w / 2, width - w / 2), rng.uniform(h / 2, height - h / 2)
    kind = int(rng.integers(4))
    if kind == 0:
        inside = (abs(x - cx) < w / 2) & (abs(y - cy) < h / 2)
    elif kind == 1:
        inside = np.hypot((x - cx) / w, (y - cy) / h) < 0.5
    elif kind == 2:
        angle = np.arctan2((y - cy) / h, (x - cx) / w)
        wave = sum(rng.uniform(-0.07, 0.07) * np.cos(n * angle + rng.uniform(0, 7)) for n in (2, 3, 5))
        inside = np.hypot((x - cx) / w, (y - cy) / h) < 0.42 + wave
    else:
        inside = [x < width / 4, x > width * 3 / 4, y < height / 4, y > height * 3 / 4][int(rng.integers(4))]
    return inside.astype(np.uint8) * 255


def _generated(rng: Generator, original: Pixels, mask: Mask, other: Pixels) -> Pixels:
    import cv2

    height, width = mask.shape
    deep = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    content = np.asarray(Image.fromarray(other).resize((width, height)), np.float32)
    weight = np.clip((deep - 20) / 4, 0, 1)[..., None]
    picture = original + weight * (content - original)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    drift = rng.uniform(-15, 15, 3) * (x / width)[..., None] + rng.uniform(-15, 15, 3) * (y / height)[..., None]
    picture = (picture - 128) * rng.uniform(0.85, 1.15, 3) + 128 + rng.uniform(-20, 20, 3) + drift
    blurred = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2))
    )
    noisy = np.asarray(blurred, np.float32) + rng.normal(0, 2, picture.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
