"""PNG files, lossless and quickly: filter and compression are chosen by what is in the picture.

Pillow tries all five filters on every row and compresses at zlib's level 6, which takes most of the time that a picture
needs after it is painted. One filter for the whole picture and a compression that fits what the filter leaves take a
tenth of that, and a photograph's file is little larger.
"""

import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = {"L": 0, "RGB": 2}
"""PNG's number for a picture's mode, 8 bits a channel."""

SAMPLED = 16
"""Rows, spread over the picture, by which filter and compression are chosen."""

BAND = 32
"""Rows that are filtered at a time."""

Rows = NDArray[np.uint8]
"""Rows of a picture × bytes of a row."""


def encode(picture: Image.Image, chunks: PngInfo | None = None) -> bytes:
    """An L or RGB picture as a PNG file. chunks: texts to put before the pixels."""
    pixels = np.asarray(picture)
    step = 1 if pixels.ndim == 2 else pixels.shape[2]
    body = _compressed(np.ascontiguousarray(pixels).reshape(picture.height, -1), step)
    head = struct.pack(">IIBBBBB", picture.width, picture.height, 8, COLOURS[picture.mode], 0, 0, 0)
    told = [(chunk[0], chunk[1]) for chunk in (chunks.chunks if chunks else ())]
    parts = [(b"IHDR", head), *told, (b"IDAT", body), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))


def _compressed(rows: Rows, step: int) -> bytes:
    """The zlib stream of all rows; step: bytes from one pixel to the next."""
    number, (level, strategy) = _choose(rows, step)
    packer = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
    parts = []
    above = np.zeros_like(rows[:1])
    for first in range(0, len(rows), BAND):  # what a band needs stays in the processor's cache
        band = rows[first : first + BAND]
        parts.append(packer.compress(_filtered(band, np.concatenate([above, band[:-1]]), number, step).data))
        above = band[-1:]
    return b"".join([*parts, packer.flush()])


def _choose(rows: Rows, step: int) -> tuple[int, "Way"]:
    """The filter's number, and zlib's level and strategy, that leave little of some rows."""
    some = np.linspace(0, len(rows) - 1, min(SAMPLED, len(rows))).astype(int)
    above = rows[some - 1] * (some > 0)[:, None]
    samples = {number: _filtered(rows[some], above, number, step).data for number in FILTERS}
    number = min(samples, key=lambda number: len(_deflated(samples[number], WAYS[0])))
    sizes = {way: len(_deflated(samples[number], way)) for way in WAYS}
    best = WAYS[0]
    for way, worth in zip(WAYS[1:], WORTH, strict=True):
        if sizes[way] <= worth * sizes[best]:
            best = way
    return number, best


def _filtered(rows: Rows, above: Rows, number: int, step: int) -> Rows:
    """Rows as the file has them: the filter's number, then what it leaves. above: the row above each, 0 for none."""
    out = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    out[:, 0] = number
    FILTERS[number](rows, above, step, out[:, 1:])
    return out


def _deflated(content: memoryview, way: "Way") -> bytes:
    packer = zlib.compressobj(way[0], zlib.DEFLATED, zlib.MAX_WBITS, 9, way[1])
    return packer.compress(content) + packer.flush()


def _left(rows: Rows, _above: Rows, step: int, out: Rows) -> None:
    """PNG's filter Sub: what differs from the pixel to the left."""
    out[:, :step] = rows[:, :step]
    np.subtract(rows[:, step:], rows[:, :-step], out=out[:, step:])


def _up(rows: Rows, above: Rows, _step: int, out: Rows) -> None:
    """PNG's filter Up: what differs from the pixel above."""
    np.subtract(rows, above, out=out)


def _between(rows: Rows, above: Rows, step: int, out: Rows) -> None:
    """PNG's filter Average: what differs from the mean of the two, rounded down."""
    beside = np.zeros_like(rows)
    beside[:, step:] = rows[:, :-step]
    np.subtract(rows, (beside & above) + ((beside ^ above) >> 1), out=out)


Filter = Callable[[Rows, Rows, int, Rows], None]
FILTERS: dict[int, Filter] = {1: _left, 2: _up, 3: _between}
"""By PNG's numbers."""

Way = tuple[int, int]
WAYS: tuple[Way, ...] = ((1, zlib.Z_RLE), (1, zlib.Z_DEFAULT_STRATEGY), (6, zlib.Z_DEFAULT_STRATEGY))
"""zlib's level and strategy, the quickest first: runs alone for what is like noise, matches where they are worth it."""

WORTH = (0.85, 0.6)
"""A slower way is taken where it leaves at most this share of the bytes."""
