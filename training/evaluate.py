"""Measure the starter pack through the server's own door, on seeds no training saw, with a judge that is no model.

`python -m training evaluate` starts a server with its default settings, asks it over HTTP, prints the table that
`docs/starter.md` shows, and leaves sample sheets in the run's folder. `--steps N` asks N single-object prompts
(100) and the other tests in proportion.
"""

import base64
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from demo.site import Site, serving
from training import captions, judge
from training.objects import COLOURS, OBJECTS
from training.scenes import Painting, draw, paint

Picture = NDArray[np.uint8]
SEED = 7_000_000


@dataclass
class Score:
    """How often a test came out right, what it measured, and pictures to look at."""

    name: str
    goal: str
    right: list[bool] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)

    def note(self, **values: float) -> None:
        for key, value in values.items():
            self.figures.setdefault(key, []).append(value)

    def row(self) -> str:
        extra = "; ".join(f"{k} median {np.median(v):.2f}, mean {np.mean(v):.2f}" for k, v in self.figures.items())
        share = f"{np.mean(self.right):.0%} of {len(self.right)}" if self.right else ""
        return f"| {self.name} | {self.goal} | {share} | {extra} |"


class Client:
    """What the tests ask of a server, pictures as arrays."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def generate(self, **fields: object) -> Picture:
        record = self.site.post("/v1/engine/generate", **fields)
        return np.asarray(Image.open(io.BytesIO(self.site.get(record["result"][0]))).convert("RGB"))

    def mask(self, picture: Picture) -> Picture:
        answer = self.site.post("/v1/tools/generate_mask", image=to_base64(picture))
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer))).convert("L"))


def to_base64(picture: NDArray[np.uint8]) -> str:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def one_object(client: Client, rng: Generator, number: int) -> Score:
    score = Score("text to image, one object", "≥ 85 %")
    for i in range(number):
        scene = draw(rng, count=1)
        thing = scene.things[0]
        text = (
            captions.of_scene(rng, scene) if i % 2 else f"a {thing.colour} {thing.kind} {captions.SIMPLE[scene.place]}"
        )
        began = time.monotonic()
        picture = client.generate(prompt=text, image_seed=SEED + i)
        seen, where = judge.things(picture)[0], judge.place(picture)
        score.right.append((seen.kind, seen.colour, where) == (thing.kind, thing.colour, scene.place))
        score.note(
            kind=seen.kind == thing.kind,
            colour=seen.colour == thing.colour,
            place=where == scene.place,
            seconds=time.monotonic() - began,
        )
        score.pictures.append(picture)
    return score


def two_objects(client: Client, rng: Generator, number: int) -> Score:
    score = Score("text to image, two objects", "≥ 60 %")
    for i in range(number):
        scene = draw(rng, count=2)
        names = [f"a {thing.colour} {thing.kind}" for thing in scene.things]
        picture = client.generate(prompt=f"{' and '.join(names)} {captions.SIMPLE[scene.place]}", image_seed=SEED + i)
        seen = sorted((s.kind, s.colour) for s in judge.things(picture, 2))
        score.right.append(seen == sorted((t.kind, t.colour) for t in scene.things))
        score.pictures.append(picture)
    return score


def inpaint(client: Client, rng: Generator, number: int) -> Score:
    score = Score("inpaint into a box", "≥ 85 %")
    while len(score.right) < number:
        painting = paint(draw(rng, count=1))
        hole = _empty_box(rng, painting)
        if hole is None:
            continue
        colour, kind = str(rng.choice(list(COLOURS))), str(rng.choice(list(OBJECTS)))
        picture = client.generate(
            inpaint_input_image=to_base64(painting.picture),
            inpaint_mask_image_upload=to_base64(hole),
            inpaint_additional_prompt=f"a {colour} {kind}",
            image_seed=SEED + len(score.right),
        )
        seen = judge.things(picture, where=hole > 0)[0]
        score.right.append((seen.kind, seen.colour) == (kind, colour))
        score.note(
            kind=seen.kind == kind,
            colour=seen.colour == colour,
            known_pixels_changed=float((picture[hole == 0] != painting.picture[hole == 0]).sum()),
        )
        score.pictures.append(picture)
    return score


def _empty_box(rng: Generator, painting: Painting) -> Picture | None:
    """A box of 84 to 128 px where nothing stands, 255 inside; None if there is no room."""
    height, width = painting.picture.shape[:2]
    for _ in range(20):
        side = int(rng.integers(84, 129))
        x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
        if not painting.masks[0][y : y + side, x : x + side].any():
            hole = np.zeros((height, width), np.uint8)
            hole[y : y + side, x : x + side] = 255
            return hole
    return None


def outpaint(client: Client, rng: Generator, number: int) -> Score:
    score = Score("outpaint one side", "all of: seam ≤ 1.5, same place, energy 0.5 to 2")
    for i in range(number):
        painting = paint(draw(rng, count=1))
        side = ("Left", "Right", "Top", "Bottom")[i % 4]
        picture = client.generate(
            inpaint_input_image=to_base64(painting.picture),
            outpaint_selections=[side],
            prompt=captions.SIMPLE[painting.scene.place],
            image_seed=SEED + i,
        )
        _judge_strip(score, painting, side, picture)
        score.pictures.append(picture)
    return score


def _judge_strip(score: Score, painting: Painting, side: str, picture: Picture) -> None:
    """Compare the new strip with the known picture's part of the same depth that it adjoins, things left out."""
    known, new = _turned(painting.picture, side).astype(float), _turned(picture, side).astype(float)
    depth = new.shape[1] - known.shape[1]
    things = Image.fromarray(np.any(painting.masks, axis=0)).convert("L").filter(ImageFilter.MaxFilter(13))
    free = ~_turned(np.asarray(things) > 0, side)[:, 1:]
    steps = np.abs(np.diff(known, axis=1)).mean(2)[free]
    seam = float(np.abs(new[:, depth] - new[:, depth - 1]).mean() / max(steps.mean(), 0.25))
    energy = _energy(new[:, :depth]) / max(_energy(known[:, : depth + 1], free[:, :depth]), 0.01)
    same = _strip_place(picture, side, depth) == painting.scene.place
    score.note(seam=seam, energy=energy, same_place=same)
    score.right.append(seam <= 1.5 and 0.5 <= energy <= 2 and same)


def _energy(picture: NDArray[Any], free: NDArray[np.bool_] | None = None) -> float:
    """Squared steps from pixel to pixel along the rows, averaged in blocks of 16² px; the median block.

    A moon or a cloud that only one of two parts shows hardly moves it; a replicated edge has none. Blocks that are not
    all `free` (height × width-1) are left out, unless there are no others.
    """
    steps = (np.diff(picture, axis=1) ** 2).mean(2)
    height, width = (side // 16 * 16 for side in steps.shape)
    shape = (height // 16, 16, width // 16, 16)
    blocks = steps[:height, :width].reshape(shape).mean((1, 3))
    if free is not None:
        clear = free[:height, :width].reshape(shape).all((1, 3))
        blocks = blocks[clear] if clear.any() else blocks
    return float(np.median(blocks))


def _turned(picture: NDArray[Any], side: str) -> NDArray[Any]:
    """Turned so that the given side is the left one."""
    if side == "Left":
        return picture
    if side == "Right":
        return picture[:, ::-1]
    return picture.swapaxes(0, 1) if side == "Top" else picture[::-1].swapaxes(0, 1)


def _strip_place(picture: Picture, side: str, depth: int) -> str:
    if side in ("Left", "Right"):
        return judge.place(picture[:, :depth] if side == "Left" else picture[:, -depth:])
    return judge.place(picture, rows=slice(0, 1) if side == "Top" else slice(3, 4))


def salient(client: Client, rng: Generator, number: int) -> Score:
    score = Score("salient mask, IoU", "≥ 0.85 in the mean")
    for _ in range(number):
        painting = paint(draw(rng, count=1))
        mask = client.mask(painting.picture) > 127
        score.note(iou=(mask & painting.masks[0]).sum() / (mask | painting.masks[0]).sum())
        score.pictures.append(np.where(mask[..., None], painting.picture, painting.picture // 4))
    return score


def save_sheet(pictures: list[Picture], path: Path, columns: int = 8) -> None:
    shown = pictures[: 4 * columns]
    side = 192
    sheet = Image.new("RGB", (columns * side, -(-len(shown) // columns) * side), "white")
    for i, picture in enumerate(shown):
        small = Image.fromarray(picture)
        small.thumbnail((side - 4, side - 4), Image.Resampling.LANCZOS)
        sheet.paste(small, (i % columns * side + 2, i // columns * side + 2))
    sheet.save(path, quality=88)


def run(folder: Path, *, steps: int = 100) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tests: list[tuple[Callable[[Client, Generator, int], Score], int]] = [
        (one_object, steps),
        (inpaint, steps),
        (two_objects, max(steps // 2, 1)),
        (outpaint, max(steps * 2 // 5, 4)),
        (salient, max(steps // 2, 1)),
    ]
    rows = []
    settings = ["--output-path", str(folder / "outputs"), "--input-path", str(folder / "inputs")]
    with serving(settings, folder / "outputs") as site:
        client = Client(site)
        for number, (test, count) in enumerate(tests):
            score = test(client, np.random.default_rng(SEED + number), count)
            rows.append(score.row())
            print(rows[-1], flush=True)
            save_sheet(score.pictures, folder / f"{test.__name__}.webp")
    table = "\n".join(["| test | goal | right | measured |", "|---|---|---|---|", *rows])
    (folder / "table.md").write_text(table + "\n", encoding="utf-8")
