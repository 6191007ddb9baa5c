"""Say what is in a picture of the world without any trained model, by colour and silhouette alone.

Every thing in every colour is laid over every spot of the picture at several sizes, as a template painted on nothing;
what explains most of the picture (how much closer to the picture than its row's usual colour, squared and summed over
the silhouette) is what is seen. The place is the nearest mean of colours in bands. `python -m training judge` measures
the judge itself on rendered scenes it never saw.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.objects import COLOURS, OBJECTS
from training.places import PLACES
from training.scenes import Thing, draw, paint, paint_alone

SCALE = 2  # the picture is looked at in half size
RADII = (27.0, 31.0, 36.0, 42.0, 48.0, 55.0, 63.0, 72.0)

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A thing seen at (x, y) px with its radius; `gain` is how much of the picture it explains, in px²."""

    kind: str
    colour: str
    x: float
    y: float
    radius: float
    gain: float


@functools.cache
def _template(kind: str, colour: str, radius: float) -> tuple[Array, Array]:
    """RGB premultiplied by the silhouette, side × side × 3, and the silhouette, side × side, both in 0..1."""
    half = int(radius / SCALE + 3)
    side = 2 * half * SCALE
    rgb, cover = paint_alone(Thing(kind=kind, colour=colour, x=side / 2, y=side / 2, radius=radius), side)
    shape = (2 * half, SCALE, 2 * half, SCALE)
    return rgb.reshape(*shape, 3).mean((1, 3)), cover.reshape(shape).mean((1, 3))


@functools.cache
def _transforms(shape: tuple[int, int], radius: float) -> tuple[list[tuple[str, str]], Array, Array, Array]:
    """Conjugate spectra of all templates of one size: names, silhouettes, colours × silhouette, its energy."""
    names, covers, colours, energies = [], [], [], []
    for kind in OBJECTS:
        for colour in COLOURS:
            rgb, cover = _template(kind, colour, radius)
            names.append((kind, colour))
            covers.append(np.fft.rfft2(cover, shape).conj().astype(np.complex64))
            colours.append(np.fft.rfft2(rgb, shape, axes=(0, 1)).conj().astype(np.complex64))
            energies.append(np.fft.rfft2((rgb**2).sum(-1) / np.maximum(cover, 1e-3), shape).conj().astype(np.complex64))
    return names, np.stack(covers), np.stack(colours), np.stack(energies)


def things(picture: NDArray[np.uint8], count: int = 1, *, where: NDArray[np.bool_] | None = None) -> list[Sighting]:
    """The `count` best sightings, best first, none on top of another; only inside `where` (height × width) if given."""
    height, width = (side // SCALE for side in picture.shape[:2])
    small = Image.fromarray(picture).resize((width, height), Image.Resampling.BOX)
    seen = np.asarray(small, np.float32) / 255
    valid = np.ones((height, width), np.float32)
    if where is not None:
        valid = np.asarray(
            Image.fromarray(where).convert("L").resize((width, height), Image.Resampling.BOX)
        ) / np.float32(255)
    found = []
    for _ in range(count):
        best = _best(seen, valid)
        found.append(best)
        yy, xx = np.ogrid[:height, :width]
        valid[np.hypot(xx - best.x / SCALE, yy - best.y / SCALE) < 0.9 * best.radius / SCALE] = 0
    return found


def _best(seen: Array, valid: Array) -> Sighting:
    height, width = valid.shape
    shape = (height + 80, width + 80)
    spectrum = functools.partial(np.fft.rfft2, s=shape, axes=(0, 1))
    usual = np.median(seen, axis=1, keepdims=True)
    worth = spectrum(valid * (((seen - usual) ** 2) - seen**2).sum(-1))
    colour, weight = spectrum(valid[..., None] * seen), spectrum(valid)
    best: Sighting | None = None
    for radius in RADII:
        names, covers, colours, energies = _transforms(shape, radius)
        products = worth * covers + 2 * (colour * colours).sum(-1) - weight * energies
        gains = np.fft.irfft2(products, shape, axes=(1, 2))
        index = int(gains.argmax())
        which, y, x = np.unravel_index(index, gains.shape)
        gain = float(gains.flat[index]) * SCALE**2
        if best is None or gain > best.gain:
            half = _template(*names[which], radius)[1].shape[0] / 2
            y, x = (y if y < height else y - shape[0]), (x if x < width else x - shape[1])
            best = Sighting(
                kind=names[which][0],
                colour=names[which][1],
                x=float((x + half) * SCALE),
                y=float((y + half) * SCALE),
                radius=radius,
                gain=gain,
            )
    assert best is not None
    return best


def _bands(picture: NDArray[np.uint8]) -> Array:
    """Median colours of the top, upper, lower and bottom parts' left, middle and right: 4 × 9 values in 0..1."""
    height, width = picture.shape[:2]
    rows = ((0, 0.12), (0.15, 0.35), (0.7, 0.85), (0.88, 1))
    cells = [
        picture[int(a * height) : int(b * height), int(c * width / 3) : int((c + 1) * width / 3)]
        for a, b in rows
        for c in range(3)
    ]
    return np.stack([np.median(cell, axis=(0, 1)) for cell in cells]).reshape(4, 9).astype(np.float32) / 255


@functools.cache
def _places() -> Array:
    rng = np.random.default_rng(600)
    paintings = [paint(draw(rng)) for _ in range(600)]
    return np.stack(
        [np.median([_bands(p.picture) for p in paintings if p.scene.place == place], axis=0) for place in PLACES]
    )


def place(picture: NDArray[np.uint8], rows: slice = slice(0, 4)) -> str:
    """The place; `rows` narrows what is looked at: slice(0, 1) is the top, slice(3, 4) the bottom."""
    distance = np.abs(_places() - _bands(picture))[:, rows].mean((1, 2))
    return list(PLACES)[int(distance.argmin())]


def run(folder: Path, *, steps: int = 500) -> None:
    """Print the judge's own score on `steps` rendered single-object scenes, and its score with shuffled captions."""
    rng = np.random.default_rng(987_654)
    paintings = [paint(draw(rng, count=1)) for _ in range(steps)]
    verdicts = []
    for painting in paintings:
        best = things(painting.picture)[0]
        verdicts.append((best.kind, best.colour, place(painting.picture)))
    truths = [(p.scene.things[0].kind, p.scene.things[0].colour, p.scene.place) for p in paintings]
    for what, part in (("kind", slice(0, 1)), ("colour", slice(1, 2)), ("place", slice(2, 3)), ("all", slice(0, 3))):
        right = np.mean([v[part] == t[part] for v, t in zip(verdicts, truths, strict=True)])
        chance = np.mean([v[part] == t[part] for v, t in zip(verdicts, [*truths[1:], truths[0]], strict=True)])
        print(f"{what}: {right:.3f} right; shuffled {chance:.3f}")
    for verdict, truth in zip(verdicts, truths, strict=True):
        if verdict != truth:
            print("taken for", verdict, "is", truth)
