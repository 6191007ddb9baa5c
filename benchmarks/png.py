"""PNG files of 1024² pictures: time and size of `pipelines.png` and of Pillow's own way, for the same pixels."""

import io
import statistics
import time
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.seams import PHOTOGRAPHS, photograph
from pipelines import png

SIDE = 1024
ROUNDS = 5

Way = Callable[[Image.Image], bytes]


def run(*, cases: int = ROUNDS, side: int = SIDE) -> None:
    """cases: rounds, in each of which both ways encode every picture, one after the other."""
    pictures = _pictures(side)
    took: dict[tuple[str, str], list[float]] = {(name, way): [] for name in pictures for way in WAYS}
    sizes: dict[tuple[str, str], int] = {}
    for _ in range(cases):
        for name, picture in pictures.items():
            for way, encode in WAYS.items():
                began = time.perf_counter()
                file = encode(picture)
                took[name, way].append(time.perf_counter() - began)
                sizes[name, way] = len(file)
                assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), np.asarray(picture)), name
    print(f"{cases} rounds, {side}² pixels\n")
    print("| picture | Pillow, ms | Gesso, ms | times as fast | bytes of Pillow's |")
    print("|---|---|---|---|---|")
    ratios = []
    for name in pictures:
        theirs, ours = (statistics.median(took[name, way]) for way in WAYS)
        ratios.append(theirs / ours)
        share = sizes[name, "Gesso"] / sizes[name, "Pillow"]
        print(f"| {name} | {1000 * theirs:.0f} | {1000 * ours:.0f} | {theirs / ours:.1f} | {share:.2f} |")
    print(f"\nmedian of the ratios: {statistics.median(ratios):.1f}")


def by_pillow(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


WAYS: dict[str, Way] = {"Pillow": by_pillow, "Gesso": png.encode}


def _pictures(side: int) -> dict[str, Image.Image]:
    photographs = {name.split(".")[0]: Image.fromarray(photograph(name)) for name in PHOTOGRAPHS}
    grown = {name: each.resize((side, side), Image.Resampling.LANCZOS) for name, each in photographs.items()}
    return grown | {"flat art": _flat(side)}


def _flat(side: int) -> Image.Image:
    picture, rng = Image.new("RGB", (side, side), "white"), np.random.default_rng(0)
    draw = ImageDraw.Draw(picture)
    for x, y, radius in rng.integers(8, side, (40, 3)) // (1, 1, 6):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(map(int, rng.integers(0, 255, 3))))
    return picture
