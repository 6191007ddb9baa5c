"""What came of a mask plan, and how it crosses a pipe: raw grey, then a bit per pixel of each object's own box."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from masking.plans import Box
from masking.shape import bounding_box

Corners = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Thing:
    """One object. mask: rows × columns of bool, the picture's size. score, None: the model tells none.

    candidates: all that the segmenter guessed of it, the best among them, if that was asked for.
    """

    box: Box
    mask: NDArray[np.bool_]
    score: float | None = None
    phrase: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    candidates: tuple["Thing", ...] = ()


class Stopwatch:
    """How long each part took, in milliseconds; parts of one name add up."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        start = perf_counter()
        try:
            yield
        finally:
            self.times[name] = round(self.times.get(name, 0.0) + 1000 * (perf_counter() - start), 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """`mask`: "L", the picture's size, 255 = object. times: milliseconds by part."""

    mask: Image.Image
    things: tuple[Thing, ...] = ()
    times: dict[str, float]
    warnings: tuple[str, ...] = ()

    def packed(self) -> tuple[bytes, dict[str, Any]]:
        """Bytes, and what a reader of them must know: JSON's own kinds of values only."""
        parts = [self.mask.tobytes()]
        facts = {
            "width": self.mask.width,
            "height": self.mask.height,
            "things": [_packed(thing, parts) for thing in self.things],
            "times": self.times,
            "warnings": self.warnings,
        }
        return b"".join(parts), facts


def unpacked(content: bytes, facts: dict[str, Any]) -> Made:
    """What `packed` was called on."""
    size = (facts["width"], facts["height"])
    area = size[0] * size[1]
    rest = _Reader(content, area)
    return Made(
        mask=Image.frombytes("L", size, content[:area]),
        things=tuple(_thing(told, size, rest) for told in facts["things"]),
        times=facts["times"],
        warnings=tuple(facts["warnings"]),
    )


def box_of(mask: NDArray[np.bool_]) -> Corners | None:
    """(left, top, right, bottom) around what is True, the last two excluded; None if nothing is."""
    return bounding_box(Image.fromarray(mask.astype(np.uint8)))


def _packed(thing: Thing, parts: list[bytes]) -> dict[str, Any]:
    corners = box_of(thing.mask) or (0, 0, 0, 0)
    left, top, right, bottom = corners
    parts.append(np.packbits(thing.mask[top:bottom, left:right]).tobytes())
    facts = {"box": thing.box, "score": thing.score, "phrase": thing.phrase, "corners": corners, "more": thing.more}
    return facts | {"candidates": [_packed(one, parts) for one in thing.candidates]}


class _Reader:
    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at

    def bits(self, rows: int, columns: int) -> NDArray[np.bool_]:
        count = rows * columns
        length = -(-count // 8)
        packed = np.frombuffer(self._content, np.uint8, length, self._at)
        self._at += length
        return np.unpackbits(packed, count=count).reshape(rows, columns).astype(bool)


def _thing(told: dict[str, Any], size: tuple[int, int], rest: _Reader) -> Thing:
    left, top, right, bottom = told["corners"]
    mask = np.zeros((size[1], size[0]), bool)
    mask[top:bottom, left:right] = rest.bits(bottom - top, right - left)
    thing = Thing(box=tuple(told["box"]), score=told["score"], phrase=told["phrase"], mask=mask, more=told["more"])
    return replace(thing, candidates=tuple(_thing(one, size, rest) for one in told["candidates"]))
