"""Everything in a picture, each on its own: a grid of points, three guesses for each, and only the good ones kept."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from masking.made import Made, Stopwatch, Thing, box_of
from masking.objects import SAME, Workshop
from masking.pictures import Picture
from masking.plans import Point, RegionsPlan
from masking.segmenters import Prompt
from masking.shape import close_holes

OFFSET = 1.0
"""How far the logits' limit is moved to see how sure an edge is, as in Segment Anything."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Region:
    box: tuple[int, int, int, int]
    mask: NDArray[np.bool_]
    score: float
    stability: float
    point: Point


def make(plan: RegionsPlan, workshop: Workshop) -> Made:
    """The mask is a map: 0 where nothing is, else 1 + the number of the smallest region there. Raises as `objects`."""
    watch = Stopwatch()
    with watch.part("read"):
        picture = Picture(plan.image)
    with watch.part("load"):
        workshop.segmenter(plan.segmenter)
    regions = _each_once(list(_guessed(plan, picture, workshop, watch)))
    kept = sorted(regions, key=lambda region: -region.score)[: plan.most]
    warnings = (
        [f"{len(regions)} regions were seen; the best {plan.most} were taken."] if len(regions) > plan.most else []
    )
    drawn = np.zeros((picture.height, picture.width), np.uint8)
    by_size = sorted(range(len(kept)), key=lambda i: -int(kept[i].mask.sum()))
    for number in by_size:
        drawn[kept[number].mask] = number + 1
    things = tuple(_thing(region) for region in kept)
    return Made(mask=Image.fromarray(drawn), things=things, times=watch.times, warnings=tuple(warnings))


def _guessed(plan: RegionsPlan, picture: Picture, workshop: Workshop, watch: Stopwatch) -> Iterator[_Region]:
    """What is good enough of all guesses for all points of the grid."""
    shares = (np.arange(plan.points_per_side) + 0.5) / plan.points_per_side
    points = [(float(x * picture.width), float(y * picture.height), 1) for y in shares for x in shares]
    embedding = workshop.embedding(plan.segmenter, picture, watch)
    prompts = [Prompt(points=(point,)) for point in points]
    with watch.part("segment"):
        answers = workshop.segmenter(plan.segmenter).segment(embedding, prompts, several=True)
        for point, guesses in zip(points, answers, strict=True):
            for logits, score in zip(guesses.logits, guesses.scores, strict=True):
                if score > plan.overlap:
                    yield from _good(logits[: picture.height, : picture.width], float(score), point, plan)


def _good(logits: NDArray[np.float32], score: float, point: Point, plan: RegionsPlan) -> Iterator[_Region]:
    """The region, unless its edge is too unsure or it is too small."""
    surely, perhaps = int((logits > OFFSET).sum()), int((logits > -OFFSET).sum())
    stability = surely / perhaps if perhaps else 0.0
    if stability < plan.stability:
        return
    mask = close_holes(logits > 0, plan.smallest)
    if mask.any() and mask.sum() >= plan.smallest and (box := box_of(mask)):
        yield _Region(box=box, mask=mask, score=score, stability=stability, point=point)


def _each_once(regions: list[_Region]) -> list[_Region]:
    """Non-maximum suppression by boxes, the best by score first."""
    import torch
    from torchvision.ops import nms

    if not regions:
        return []
    boxes = torch.tensor([region.box for region in regions], dtype=torch.float32)
    scores = torch.tensor([region.score for region in regions])
    return [regions[i] for i in nms(boxes, scores, SAME).tolist()]


def _thing(region: _Region) -> Thing:
    left, top, right, bottom = (float(edge) for edge in region.box)
    more = {"stability": region.stability, "point": region.point[:2], "area": int(region.mask.sum())}
    return Thing(box=(left, top, right, bottom), score=region.score, mask=region.mask, more=more)
