"""Small pictures of what is being painted: a linear map from latents to colours, fitted to a checkpoint's own VAE."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines import png
from pipelines.events import Preview
from pipelines.families import Model
from pipelines.plans import Pixels

if TYPE_CHECKING:
    from torch import Tensor

PICTURES, CELLS, SHAPES = 16, 12, 5
"""The map is learnt from so many pictures of so many latent cells a side, with so many shapes on each."""

RIDGE = 1.0

SCALE = 4
"""A preview's side is the picture's by this."""

PAUSE_S = 0.1
"""Previews are at least so far apart: nobody sees more of them."""

Values = NDArray[np.float64]


class Glance:
    """Sees latents without their decoder: each pixel is linear in the cell it lies in and its eight neighbours."""

    def __init__(self, weights: Values, side: int) -> None:
        """weights: 9 × channels + 1 rows (the last is the constant), a column for each of side × side pixels of RGB,
        0 to 1, that stand for a cell.
        """
        import torch

        channels = len(weights) // 9
        kernel = weights[:-1].reshape(channels, 3, 3, side, side, 3).transpose(5, 3, 4, 0, 1, 2)
        self._kernel = torch.tensor(kernel.reshape(3 * side**2, channels, 3, 3), dtype=torch.float32)
        self._constant = torch.tensor(weights[-1].reshape(side**2, 3).T.reshape(-1), dtype=torch.float32)
        self._side = side

    def see(self, latents: "Tensor") -> "Tensor":
        """channels × rows × columns of latents as side·rows × side·columns × 3, RGB in bytes, on the same device."""
        from torch.nn.functional import conv2d, pad, pixel_shuffle

        self._kernel, self._constant = self._kernel.to(latents.device), self._constant.to(latents.device)
        cells = pad(latents[None].float(), (1, 1, 1, 1), mode="replicate")
        colours = pixel_shuffle(conv2d(cells, self._kernel, self._constant), self._side)[0]
        return colours.nan_to_num().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)

    def picture(self, latents: "Tensor") -> Pixels:
        """What `see` gives, as pixels."""
        pixels: Pixels = self.see(latents).cpu().numpy()
        return pixels


def fit(model: Model, cell: int) -> Glance | None:
    """The map that fits a model's VAE best; None for a VAE whose latents are not numbers. cell: pixels per cell.

    It learns what the VAE makes of the latents, not what it was given: that is what the picture will look like.
    """
    rng, side = np.random.default_rng(0), max(1, cell // SCALE)
    latents = [model.encode(_sample(rng, CELLS * cell)) for _ in range(PICTURES)]
    cells = np.concatenate([_around(each[0].float().cpu().numpy()) for each in latents])
    if not np.isfinite(cells).all():
        return None
    colours = np.concatenate([_colours(model.decode(each), side) for each in latents])
    return Glance(np.linalg.solve(cells.T @ cells + RIDGE * np.eye(cells.shape[1]), cells.T @ colours), side)


def _sample(rng: np.random.Generator, side: int) -> Pixels:
    """A picture of soft light with a few hard shapes, as things have them."""
    light = rng.integers(20, 236, 3) + rng.normal(0, 45, (5, 5, 3))
    soft = Image.fromarray(light.clip(0, 255).astype(np.uint8))
    pixels = np.array(soft.resize((side, side), Image.Resampling.BICUBIC))
    y, x = np.mgrid[:side, :side] / side
    for _ in range(SHAPES):
        (left, top), (width, height) = rng.random(2), rng.uniform(1 / 16, 1 / 4, 2)
        across, down = abs(x - left) / width, abs(y - top) / height
        inside = across**2 + down**2 < 1 if rng.random() < 0.5 else np.maximum(across, down) < 1
        pixels[inside] = rng.integers(0, 256, 3)
    return pixels


def _around(cells: NDArray[np.float32]) -> Values:
    """channels × rows × columns → one row per cell: the 3 × 3 values about it of every channel, and a 1."""
    channels, rows, columns = cells.shape
    padded = np.pad(cells.astype(np.float64), ((0, 0), (1, 1), (1, 1)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    values = windows.transpose(1, 2, 0, 3, 4).reshape(rows * columns, 9 * channels)
    return np.concatenate([values, np.ones((rows * columns, 1))], axis=1)


def _colours(pixels: Pixels, side: int) -> Values:
    """A square picture → one row per cell: the mean colours of its side × side parts, 0 to 1."""
    small = Image.fromarray(pixels).resize((side * CELLS, side * CELLS), Image.Resampling.BOX)
    levels = np.asarray(small, np.float64) / 255
    return levels.reshape(CELLS, side, CELLS, side, 3).swapaxes(1, 2).reshape(CELLS * CELLS, side * side * 3)


class Previews:
    """Has previews told by a thread of its own, so that the painting goes on meanwhile."""

    def __init__(self, glance: Glance, tell: Callable[[Preview], None]) -> None:
        self._glance, self._tell = glance, tell
        self._offered: tuple[int, Tensor] | None = None
        self._due = 0.0
        self._open = True
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="gesso-previews", daemon=True).start()

    @property
    def wants_one(self) -> bool:
        """Whether the last one is long enough ago."""
        return time.monotonic() >= self._due

    def offer(self, image: int, latents: "Tensor") -> None:
        """Show this (channels × rows × columns) as image `image` next, instead of what was offered before."""
        import torch

        with torch.inference_mode():
            seen = self._glance.see(latents)
        with self._changed:
            self._offered, self._due = (image, seen), time.monotonic() + PAUSE_S
            self._changed.notify()

    def close(self) -> None:
        """No more previews are told once this returns; the thread ends when it notices."""
        with self._changed:
            self._open = False
            self._changed.notify()

    def _work(self) -> None:
        while (offered := self._newest()) is not None:
            image, seen = offered
            file = png.encode(Image.fromarray(seen.cpu().numpy()))
            with self._changed:
                if not self._open:
                    return
                try:
                    self._tell(Preview(image=image, png=file))
                except OSError:  # the server is gone; the painting's own thread notices, too
                    return

    def _newest(self) -> "tuple[int, Tensor] | None":
        """What was offered last; waits for it. None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._open or self._offered is not None)
            offered, self._offered = self._offered, None
            return offered if self._open else None
