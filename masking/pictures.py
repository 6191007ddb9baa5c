"""A picture on its way through mask models: known by its content, decoded only where somebody looks at it."""

import hashlib
from collections.abc import Callable, Hashable
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from PIL import Image

T = TypeVar("T")

NARROWEST = 16
"""A side may be this many times as long as the other one before models that resize would lose it altogether."""


class Picture:
    """An upright 8-bit RGB picture file. key: the same for the same content."""

    def __init__(self, file: Path) -> None:
        content = file.read_bytes()
        self.key = hashlib.blake2b(content, digest_size=16).hexdigest()
        self._file = file
        with Image.open(file) as header:
            self.width, self.height = header.size

    @property
    def room(self) -> tuple[int, int]:
        """Width and height of `roomy`; nothing is decoded for them."""
        least = -(-max(self.width, self.height) // NARROWEST)
        return max(self.width, least), max(self.height, least)

    @cached_property
    def image(self) -> Image.Image:
        """All its pixels, RGB."""
        with Image.open(self._file) as picture:
            return picture.convert("RGB")

    @cached_property
    def roomy(self) -> Image.Image:
        """`image`, or, where that is a mere strip, it with grey to its right or below; places in it stay the same."""
        if self.room == self.image.size:
            return self.image
        mean = np.asarray(self.image).reshape(-1, 3).mean(axis=0).round().astype(int)
        canvas = Image.new("RGB", self.room, tuple(int(value) for value in mean))
        canvas.paste(self.image)
        return canvas


class Recent:
    """What was made lately, by key: the `most` used last are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Hashable, object] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What lies under `key`, made where nothing does."""
        value = self._kept.pop(key, None)
        if value is None:
            value = make()
        self._kept[key] = value
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return cast(T, value)
