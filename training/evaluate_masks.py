"""Measure the starter's SAM and GroundingDINO through the server's own door, on scenes no training saw.

`python -m training evaluate_masks` starts a server with its default settings, asks it over HTTP, prints the table that
`docs/starter.md` shows, and leaves sample sheets in the run's folder. `--steps N` asks each test N times (100).
"""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from demo.site import Site, serving
from training.album import scene
from training.evaluate import SEED, Score, save_sheet, to_base64
from training.objects import COLOURS, OBJECTS
from training.scenes import Painting, Thing, paint

Mask = NDArray[np.bool_]
SIZES = ((256, 256), (288, 224), (224, 288), (352, 256))


class Masks(Protocol):
    """What gives masks: height × width, bool."""

    def __call__(self, picture: NDArray[np.uint8], **fields: object) -> Mask: ...


class Server:
    """Masks of `POST /v1/tools/generate_mask`; its fields as they are there, all others at their defaults."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __call__(self, picture: NDArray[np.uint8], **fields: object) -> Mask:
        answer = self.site.post("/v1/tools/generate_mask", image=to_base64(picture), mask_model="sam", **fields)
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer))).convert("L")) > 127


def new_painting(rng: Generator, fits: Callable[[Painting], bool] = lambda _: True) -> Painting:
    """A scene of one to three things, each of them well to be seen."""
    while True:
        width, height = SIZES[int(rng.integers(len(SIZES)))]
        painting = paint(scene(rng, width, height))
        if all(mask.mean() > 0.005 for mask in painting.masks) and fits(painting):
            return painting


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union; 1 where both are empty."""
    return float((one & other).sum() / max((one | other).sum(), 1)) if (one | other).any() else 1.0


def click(masks: Masks, rng: Generator, number: int) -> Score:
    score = Score("a click (within the thing, 2 px or more)", "IoU ≥ 0.85 in the mean")
    for _ in range(number):
        painting = new_painting(rng)
        truth = painting.masks[int(rng.integers(len(painting.masks)))]
        inner = np.asarray(Image.fromarray(truth).convert("L").filter(ImageFilter.MinFilter(5))) > 0
        ys, xs = np.nonzero(inner if inner.any() else truth)
        at = int(rng.integers(len(xs)))
        _note(score, painting, masks(painting.picture, points=[[int(xs[at]), int(ys[at])]]), truth)
    return score


def box(masks: Masks, rng: Generator, number: int) -> Score:
    score = Score("a box (each side up to 5 % off)", "IoU ≥ 0.9 in the mean")
    for _ in range(number):
        painting = new_painting(rng)
        truth = painting.masks[int(rng.integers(len(painting.masks)))]
        ys, xs = np.nonzero(truth)
        left, top, right, bottom = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
        slack = rng.uniform(-0.05, 0.05, 4) * (right - left, bottom - top, right - left, bottom - top)
        height, width = truth.shape
        sides = (np.array([left, top, right, bottom]) + slack).clip(0, (width, height, width, height))
        _note(score, painting, masks(painting.picture, boxes=[sides.round(1).tolist()]), truth)
    return score


def words(masks: Masks, rng: Generator, number: int) -> Score:
    score = Score('"<colour> <object>"', "IoU ≥ 0.75 in the mean")
    for _ in range(number):
        painting = new_painting(rng)
        thing = painting.scene.things[int(rng.integers(len(painting.masks)))]
        mask = masks(painting.picture, dino_prompt_text=f"{thing.colour} {thing.kind}")
        pairs = zip(painting.masks, painting.scene.things, strict=True)
        _note(score, painting, mask, np.any([own for own, other in pairs if _name(other) == _name(thing)], axis=0))
    return score


def twins(masks: Masks, rng: Generator, number: int) -> Score:
    """Right: most of the thing asked for, and of no other thing of its kind."""
    score = Score("the right colour among things of a kind", "≥ 85 %")
    for _ in range(number):
        painting = new_painting(rng, _has_twins)
        things = painting.scene.things
        among = [a for a in things if any(a.kind == b.kind and a.colour != b.colour for b in things)]
        thing = among[int(rng.integers(len(among)))]
        mask = masks(painting.picture, dino_prompt_text=f"{thing.colour} {thing.kind}")
        taken = [_share(mask, own) > 0.5 for own in painting.masks]
        wanted = [_name(other) == _name(thing) for other in things]
        score.right.append(all(a == b for a, b, o in zip(taken, wanted, things, strict=True) if o.kind == thing.kind))
        score.pictures.append(_shown(painting, mask))
    return score


def every(masks: Masks, rng: Generator, number: int) -> Score:
    """Right, once for each thing of the kind: more than half of it is in the mask, and of the mask in such things."""
    score = Score('"<object>" finds all of them', "recall ≥ 0.85")
    for _ in range(number):
        painting = new_painting(rng)
        kind = painting.scene.things[int(rng.integers(len(painting.masks)))].kind
        mask = masks(painting.picture, dino_prompt_text=kind)
        alike = [own for own, thing in zip(painting.masks, painting.scene.things, strict=True) if thing.kind == kind]
        union = np.any(alike, axis=0)
        fair = (mask & union).sum() > 0.5 * mask.sum()
        score.right.extend(bool(fair) and _share(mask, own) > 0.5 for own in alike)
        score.note(iou=overlap(mask, union))
        score.pictures.append(_shown(painting, mask))
    return score


def absent(masks: Masks, rng: Generator, number: int) -> Score:
    score = Score("what is not there gives nothing", "≥ 90 %")
    for i in range(number):
        painting = new_painting(rng)
        there = {thing.kind for thing in painting.scene.things}
        kind = str(rng.choice([kind for kind in OBJECTS if kind not in there]))
        colour = f"{rng.choice(list(COLOURS))} " if i % 2 else ""
        mask = masks(painting.picture, dino_prompt_text=f"{colour}{kind}")
        score.right.append(not mask.any())
        score.pictures.append(_shown(painting, mask))
    return score


def other_colour(masks: Masks, rng: Generator, number: int) -> Score:
    score = Score("what is there in another colour gives nothing", "(none set)")
    for _ in range(number):
        painting = new_painting(rng)
        kind = painting.scene.things[int(rng.integers(len(painting.masks)))].kind
        there = {thing.colour for thing in painting.scene.things if thing.kind == kind}
        colour = str(rng.choice([colour for colour in COLOURS if colour not in there]))
        mask = masks(painting.picture, dino_prompt_text=f"{colour} {kind}")
        score.right.append(not mask.any())
        score.pictures.append(_shown(painting, mask))
    return score


TESTS = (click, box, words, twins, every, absent, other_colour)


def _note(score: Score, painting: Painting, mask: Mask, truth: Mask) -> None:
    score.note(iou=overlap(mask, truth))
    score.pictures.append(_shown(painting, mask))


def _name(thing: Thing) -> tuple[str, str]:
    return thing.colour, thing.kind


def _has_twins(painting: Painting) -> bool:
    names = {_name(thing) for thing in painting.scene.things}
    return len({kind for _, kind in names}) < len(names)


def _share(mask: Mask, own: Mask) -> float:
    """How much of `own` is in the mask."""
    return float((mask & own).sum() / own.sum())


def _shown(painting: Painting, mask: Mask) -> NDArray[np.uint8]:
    """The picture, pale and grey but for what the mask takes."""
    pale = np.broadcast_to(painting.picture.mean(2, keepdims=True) * 0.4 + 150, painting.picture.shape)
    return np.where(mask[..., None], painting.picture, pale.astype(np.uint8))


def measure(masks: Masks, folder: Path, number: int) -> str:
    """The table, in Markdown; printed row by row, and a sheet of pictures left in `folder` for each."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for order, test in enumerate(TESTS):
        score = test(masks, np.random.default_rng(SEED + 100 + order), number)
        rows.append(score.row())
        print(rows[-1], flush=True)
        save_sheet(score.pictures, folder / f"{test.__name__}.webp")
    return "\n".join(["| test | goal | right | measured |", "|---|---|---|---|", *rows]) + "\n"


def run(folder: Path, *, steps: int = 100) -> None:
    settings = ["--output-path", str(folder / "outputs"), "--input-path", str(folder / "inputs")]
    with serving(settings, folder / "outputs") as site:
        table = measure(Server(site), folder, steps)
    (folder / "table.md").write_text(table, encoding="utf-8")
