"""Scenes to find things in: painted once, then shown again and again in another light."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from training.scenes import Scene, draw, paint

SIZES = ((256, 256), (288, 224), (224, 288), (352, 256), (341, 341))
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LEAST = 0.002  # of the picture: of a thing that shows less than that, nothing can be asked


@dataclass(frozen=True, kw_only=True)
class Page:
    """`picture`: height × width × 3, uint8; `labels`: height × width, uint8, 0 = the place, i + 1 = the i-th thing.

    `boxes`: one per thing, x0, y0, x1, y1 in 0..1 of what is seen of it; all 0 where hardly anything is.
    """

    scene: Scene
    picture: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    boxes: NDArray[np.float32]

    def seen(self) -> list[int]:
        """Which things can be asked for."""
        return [i for i, box in enumerate(self.boxes) if box[2] > 0]


class Album:
    """`pages` scenes, painted when first asked for and kept; `side`: px of their longest edge.

    Every `len(SIZES)`th page has the same size.
    """

    def __init__(self, *, side: int, pages: int, seed: int) -> None:
        self.side, self.pages, self.seed = side, pages, seed
        self._kept: dict[int, Page] = {}

    def page(self, number: int) -> Page:
        number %= self.pages
        if number not in self._kept:
            self._kept[number] = self._painted(number)
        return self._kept[number]

    def _painted(self, number: int) -> Page:
        width, height = SIZES[number % len(SIZES)]
        return page_of(scene(np.random.default_rng((self.seed, number)), width, height), self.side)


def scene(rng: Generator, width: int, height: int) -> Scene:
    """One to three things; of those with several, every third has two of a kind, in other colours."""
    count = int(rng.choice([1, 2, 3], p=[0.3, 0.4, 0.3]))
    twins = count > 1 and rng.random() < 0.35
    while True:
        drawn = draw(rng, width=width, height=height, count=count)
        kinds = [thing.kind for thing in drawn.things]
        if not twins or len(set(kinds)) < len(kinds):
            return drawn


def page_of(scene: Scene, side: int) -> Page:
    painting = paint(scene)
    height, width = painting.picture.shape[:2]
    labels, boxes = np.zeros((height, width), np.uint8), np.zeros((len(painting.masks), 4), np.float32)
    for i, mask in enumerate(painting.masks):
        labels[mask] = i + 1
        if mask.mean() > LEAST:
            ys, xs = np.nonzero(mask)
            boxes[i] = xs.min() / width, ys.min() / height, (xs.max() + 1) / width, (ys.max() + 1) / height
    scale = side / max(width, height)
    size = int(width * scale + 0.5), int(height * scale + 0.5)
    picture = Image.fromarray(painting.picture).resize(size, Image.Resampling.BILINEAR)
    smaller = Image.fromarray(labels).resize(size, Image.Resampling.NEAREST)
    return Page(scene=scene, picture=np.array(picture), labels=np.array(smaller), boxes=boxes)


def shown(rng: Generator, page: Page, shrink: float = 1.0) -> Tensor:
    """3 × height × width, normalised as ImageNet is: more or less sharp, bright, tinted and noisy."""
    picture = Image.fromarray(page.picture)
    if shrink != 1:
        width, height = (int(side * shrink + 0.5) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    if rng.random() < 0.6:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.2))))
    values = np.asarray(picture, np.float32) / 255
    if rng.random() < 0.7:
        gain = rng.uniform(0.92, 1.08, 3).astype(np.float32)
        noise = rng.standard_normal(values.shape, np.float32) * float(rng.uniform(0, 0.03))
        values = (values * gain + noise).clip(0, 1)
    values = (values - np.asarray(MEAN, np.float32)) / np.asarray(DEVIATION, np.float32)
    return torch.from_numpy(values).permute(2, 0, 1)
