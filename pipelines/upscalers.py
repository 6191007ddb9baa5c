"""ESRGAN-type upscalers in `upscale_models/`, whatever their architecture: spandrel tells it from the weights."""

import difflib
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from configs.models import model_folders
from configs.settings import Settings
from masking.errors import BrokenModel, InvalidValue
from pipelines.plans import Pixels

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")
TILE, OVERLAP = 256, 16
"""Pixels that go through the network at once, and how many of them neighbouring tiles share on each side."""


TOLD = re.compile(r"(?<![a-z0-9])([1-8])x|(?<![a-z0-9])x([1-8])(?![0-9])", re.IGNORECASE)
"""A scale in a file's name: "4x-Sharp", "esrgan_x2plus", "gesso-starter-x4"."""

USUAL = 4


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The upscalers that are installed: file names, one tuple per models folder, the user's own before Gesso's."""

    folders: tuple[tuple[str, ...], ...]

    def choose(self, name: str | None, factor: float) -> str:
        """The one named, else the one that suits the factor best, else "". Raises InvalidValue for another name.

        The smallest scale that reaches the factor suits best, else the largest; a user's own before Gesso's.
        """
        there = list(dict.fromkeys(itertools.chain.from_iterable(self.folders)))
        if name and name not in there:
            near = ", ".join(difflib.get_close_matches(name, there, n=3, cutoff=0)) or "none is installed"
            raise InvalidValue(
                f"There is no upscaler {name!r} in upscale_models; near it: {near}.", field="upscale_model"
            )
        if name:
            return name
        nearest = next((names for names in self.folders if names), ())
        scales = {file: scale_told(file) for file in nearest}
        enough = [file for file in nearest if scales[file] >= factor]
        return min(enough, key=scales.__getitem__) if enough else max(nearest, key=scales.__getitem__, default="")

    def stands_in(self, name: str, usual: str) -> bool:
        """Whether `name` came with Gesso, and `usual`, which was expected, did not."""
        own, gessos = self.folders[0], {file for names in self.folders[1:] for file in names}
        return name not in own and name in gessos and usual not in gessos


def shelf(settings: Settings) -> Shelf:
    return Shelf(folders=tuple(tuple(path.name for path in _files(root)) for root in model_folders(settings)))


def scale_told(name: str) -> int:
    """The scale that a file's name tells; 4, which most have, where it tells none. The weights are not read for it."""
    told = TOLD.search(Path(name).stem)
    return int(told[1] or told[2]) if told else USUAL


def installed(settings: Settings) -> dict[str, Path]:
    """Every upscaler by its file's name, the user's own before those that come with Gesso."""
    found: dict[str, Path] = {}
    for root in model_folders(settings):
        for path in _files(root):
            found.setdefault(path.name, path)
    return found


def _files(root: Path) -> list[Path]:
    folder = root / "upscale_models"
    return [path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES] if folder.is_dir() else []


def load(name: str, settings: Settings, device: str) -> "Upscaler":
    """Raises BrokenModel for what cannot be read, and for a network that is no upscaler of RGB pictures."""
    import torch
    from spandrel import ImageModelDescriptor, ModelLoader

    path = installed(settings)[name]
    try:
        if path.suffix == ".bin":
            read = ModelLoader().load_from_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        else:
            read = ModelLoader().load_from_file(path)
    except Exception as problem:  # spandrel, pickle and safetensors each have their own
        raise BrokenModel(f"The upscaler {name!r} does not load: {problem}", field="upscale_model") from problem
    wrong = not isinstance(read, ImageModelDescriptor) or read.purpose not in ("SR", "FaceSR")
    if wrong or (read.input_channels, read.output_channels) != (3, 3):
        raise BrokenModel(f"{name!r} is no upscaler of colour pictures.", field="upscale_model")
    return Upscaler(read.to(device).eval(), device)


class Upscaler:
    """A network that makes pictures `scale` times as wide and high."""

    def __init__(self, network: Any, device: str) -> None:
        self._network, self._device = network, device
        self.scale: int = network.scale

    def enlarge(self, pixels: Pixels, between: Callable[[], None] = lambda: None) -> Pixels:
        """Tile by tile; where tiles overlap, each gives the half that is nearer to its middle.

        between: called before each tile; what it raises ends the work.
        """
        height, width = pixels.shape[:2]
        large = np.empty((height * self.scale, width * self.scale, 3), np.uint8)
        for top, bottom in _spans(height):
            for left, right in _spans(width):
                between()
                y0, x0 = max(0, top - OVERLAP), max(0, left - OVERLAP)
                tile = self._run(pixels[y0 : bottom + OVERLAP, x0 : right + OVERLAP])
                y, x = (top - y0) * self.scale, (left - x0) * self.scale
                high, wide = (bottom - top) * self.scale, (right - left) * self.scale
                place = slice(top * self.scale, bottom * self.scale), slice(left * self.scale, right * self.scale)
                large[place] = tile[y : y + high, x : x + wide]
        return large

    def _run(self, tile: Pixels) -> Pixels:
        import torch

        with torch.inference_mode():
            given = torch.from_numpy(tile.astype(np.float32) / 255).permute(2, 0, 1)[None].to(self._device)
            made: Tensor = self._network(given)
            levels = made[0].float().clamp(0, 1).mul(255).round().to(torch.uint8)
        pixels: Pixels = levels.permute(1, 2, 0).cpu().numpy()
        return pixels


def _spans(length: int) -> list[tuple[int, int]]:
    """The tiles' own parts of a side: start and end of each, in pixels."""
    count = max(1, -(-length // TILE))
    edges = [round(i * length / count) for i in range(count + 1)]
    return list(itertools.pairwise(edges))
