"""Draw a scene of the picture-book world at random, and paint it with exact masks."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from training.objects import COLOURS, FLOATING, OBJECTS, Part
from training.places import PLACES
from training.shapes import Field
from training.sheet import Sheet

INK = np.asarray((38, 32, 48), np.float32) / 255
HALO = np.asarray((255, 250, 226), np.float32) / 255
TINTS = {"wood": (120, 78, 50), "cream": (252, 244, 222), "glass": (255, 236, 150), "ink": (38, 32, 48)}
DARK = frozenset({"night", "sunset"})


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One object: its square of side 2·radius px is centred at (x, y) px."""

    kind: str
    colour: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True, kw_only=True)
class Scene:
    place: str
    things: tuple[Thing, ...]
    width: int
    height: int
    horizon: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Painting:
    """`picture`, `background` (without any things): rows × columns × 3, uint8 RGB.

    `masks`: one per thing, rows × columns, bool, what is seen of it.
    """

    scene: Scene
    picture: NDArray[np.uint8]
    background: NDArray[np.uint8]
    masks: tuple[NDArray[np.bool_], ...]


def draw(rng: Generator, *, width: int = 256, height: int = 256, count: int | None = None) -> Scene:
    """A scene of one to three things (or `count`) that hardly cover each other."""
    if count is None:
        count = int(rng.choice([1, 2, 3], p=[0.6, 0.27, 0.13]))
    place = str(rng.choice(list(PLACES)))
    horizon = float(rng.uniform(0.42, 0.66)) * height
    things = _things(rng, width=width, height=height, horizon=horizon, count=count)
    return Scene(place=place, things=things, width=width, height=height, horizon=horizon, seed=int(rng.integers(2**31)))


def furnish(rng: Generator, scene: Scene) -> Scene:
    """The same place with other things, one to three."""
    count = int(rng.choice([1, 2, 3], p=[0.32, 0.58, 0.1]))
    things = _things(rng, width=scene.width, height=scene.height, horizon=scene.horizon, count=count)
    return replace(scene, things=things)


def _things(rng: Generator, *, width: int, height: int, horizon: float, count: int) -> tuple[Thing, ...]:
    side = min(width, height, 256)
    slots = rng.permutation(count)
    things = []
    for slot in slots:
        radius = side * float(rng.uniform(*{1: (0.19, 0.27), 2: (0.15, 0.205), 3: (0.12, 0.155)}[count]))
        kind = str(rng.choice(list(OBJECTS)))
        room = width / count
        x = room * (slot + 0.5) + float(rng.uniform(-1, 1)) * max(room / 2 - radius, 0.04 * width)
        x = float(np.clip(x, radius * 1.02, width - radius * 1.02))
        if kind in FLOATING:
            y = float(rng.uniform(radius * 1.05, max(horizon, 2.2 * radius)))
        else:
            foot = float(rng.uniform(horizon + 0.12 * side, height - 0.04 * side))
            y = max(foot - radius, radius)
        things.append(Thing(kind=kind, colour=str(rng.choice(list(COLOURS))), x=x, y=y, radius=radius))
    return tuple(sorted(things, key=lambda thing: thing.y + thing.radius))


def paint(scene: Scene, scale: float = 1.0) -> Painting:
    """The scene in `scale` times its own size: the same strokes and blots, with finer edges when it is larger."""
    rng = np.random.default_rng(scene.seed)
    sheet = Sheet(width=scene.width, height=scene.height, scale=scale)
    canvas = PLACES[scene.place](rng, sheet, scene.horizon)
    background = _as_picture(canvas)
    masks: list[NDArray[np.bool_]] = []
    for thing in scene.things:
        covered = _paint_thing(canvas, sheet, thing, scene.place, rng)
        masks = [mask & ~covered for mask in masks]
        masks.append(covered)
    return Painting(scene=scene, picture=_as_picture(canvas), background=background, masks=tuple(masks))


def _as_picture(canvas: Field) -> NDArray[np.uint8]:
    return np.clip(canvas * 255 + 0.5, 0, 255).astype(np.uint8)


def enlarge(painting: Painting, box: tuple[int, int, int, int]) -> Painting:
    """What lies within `box` (left, top, width, height, px), as large as the whole was, as the server does it."""
    left, top, width, height = box
    scene = painting.scene
    zoom = scene.width / width

    def cut(layer: NDArray[Any], how: Image.Resampling) -> NDArray[Any]:
        part = Image.fromarray(layer[top : top + height, left : left + width])
        return np.asarray(part.resize((scene.width, scene.height), how))

    things = tuple(
        replace(thing, x=(thing.x - left) * zoom, y=(thing.y - top) * zoom, radius=thing.radius * zoom)
        for thing in scene.things
    )
    return Painting(
        scene=replace(scene, things=things, horizon=(scene.horizon - top) * zoom),
        picture=cut(painting.picture, Image.Resampling.LANCZOS),
        background=cut(painting.background, Image.Resampling.LANCZOS),
        masks=tuple(cut(mask, Image.Resampling.NEAREST) for mask in painting.masks),
    )


def paint_alone(thing: Thing, side: int) -> tuple[Field, Field]:
    """The thing on nothing: RGB × cover, side × side × 3, and its cover, side × side, both 0..1; no shadow, no halo."""
    sheet = Sheet(width=side, height=side)
    v, u = np.meshgrid(sheet.y.astype(np.float32), sheet.x.astype(np.float32), indexing="ij")
    u, v = (u - thing.x) / thing.radius, (v - thing.y) / thing.radius
    own = np.asarray(COLOURS[thing.colour], np.float32) / 255
    light, dark = np.ones((side, side, 3), np.float32), np.zeros((side, side, 3), np.float32)
    for part in OBJECTS[thing.kind]:
        field = part.distance(u, v) * thing.radius
        for patch in (light, dark):
            _paint_part(patch, sheet, part, field, own, u, v)
    return dark, 1 - (light - dark).mean(-1)


def _paint_thing(canvas: Field, sheet: Sheet, thing: Thing, place: str, rng: Generator) -> NDArray[np.bool_]:
    reach = thing.radius * 1.25 + 4
    rows, columns = sheet.window(thing.x - reach, thing.y - reach, thing.x + reach + 1, thing.y + reach + 1)
    v, u = np.meshgrid(sheet.y[rows].astype(np.float32), sheet.x[columns].astype(np.float32), indexing="ij")
    u, v = (u - thing.x) / thing.radius, (v - thing.y) / thing.radius
    patch = canvas[rows, columns]
    if thing.kind not in FLOATING:
        shadow = np.clip(1.25 - np.hypot(u - 0.06, (v - 0.98) / 0.16) / 0.82, 0, 0.32)[..., None]
        patch *= 1 - shadow * (0.35 if place == "sea" else 1)
    own = np.asarray(COLOURS[thing.colour], np.float32) / 255 + rng.uniform(-0.02, 0.02, 3).astype(np.float32)
    fields = [part.distance(u, v) * thing.radius for part in OBJECTS[thing.kind]]
    whole = np.min(fields, axis=0)
    if place in DARK:
        halo = np.clip(1 - (whole - 1.5) / 4.5, 0, 1)[..., None] * 0.5
        patch += halo * (HALO - patch)
    for part, field in zip(OBJECTS[thing.kind], fields, strict=True):
        _paint_part(patch, sheet, part, field, own, u, v)
    covered = np.zeros(sheet.shape, np.bool_)
    covered[rows, columns] = whole < 1.2
    return covered


def _paint_part(
    patch: Field,
    sheet: Sheet,
    part: Part,
    field: Field,
    own: Field,
    u: Field,
    v: Field,
) -> None:
    if part.tint in TINTS:
        base = np.asarray(TINTS[part.tint], np.float32) / 255
    else:
        base = {"own": own, "own_dark": own * 0.68, "own_light": own + (1 - own) * 0.3}[part.tint]
    if part.shade == "flat":
        colour = np.broadcast_to(base, (*field.shape, 3))
    else:
        light = np.clip(0.5 - 0.42 * (0.5 * u + 0.85 * v), 0, 1)[..., None]
        colour = base * (0.72 + 0.36 * light)
        if part.shade == "round":
            gleam = np.exp(-((u + 0.26) ** 2 + (v + 0.34) ** 2) / 0.035)[..., None]
            colour = colour + (1 - colour) * 0.75 * gleam
    if part.outline:
        ring = sheet.cover(field - 1.2)[..., None]
        patch += ring * (INK - patch)
        field = field + 1.2
    cover = sheet.cover(field)[..., None]
    patch += cover * (colour - patch)
