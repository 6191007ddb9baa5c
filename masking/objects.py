"""How a mask of objects is made: words → boxes, boxes and points → masks, masks → one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from configs.settings import Settings
from masking import detectors, segmenters
from masking.detectors import Found
from masking.made import Made, Stopwatch, Thing, box_of
from masking.pictures import Picture, Recent
from masking.plans import Box, ObjectsPlan
from masking.residency import Residency, stamp
from masking.segmenters import Embedding, Guesses, Prompt, Segmenter
from masking.shape import close_holes, drop_islands, shaped
from masking.shelf import Shelf

M = TypeVar("M")

SMALL = 400
"""Pixels: holes of fewer are closed."""
SAME = 0.7
"""Boxes that share more of their union than this are one detection."""
MOST = 100
"""Detections at most."""
EMBEDDINGS = 8
"""Pictures whose embeddings are kept: 4 MiB each for SAM, 10 for SAM 2."""


class Workshop:
    """Detectors and segmenters, loaded once and kept in `held`; and what they made of the latest pictures."""

    def __init__(self, held: Residency, settings: Settings, device: str) -> None:
        self._held, self._settings, self._device = held, settings, device

    def detector(self, name: str) -> detectors.Detector:
        return self._loaded("detector", detectors.shelf, name)

    def segmenter(self, name: str) -> Segmenter:
        return self._loaded("segmenter", segmenters.shelf, name)

    def _loaded(self, kind: str, shelf: Shelf[M], name: str) -> M:
        file = shelf.file(name, self._settings)
        return self._held.get((kind, name), lambda: shelf.load(name, self._settings, self._device), file=file)

    def embedding(self, name: str, picture: Picture, watch: Stopwatch) -> Embedding:
        """Made by the segmenter of that name, or remembered."""

        def make() -> Embedding:
            with watch.part("embed"):
                return self.segmenter(name).embed(picture.roomy)

        file = segmenters.shelf.file(name, self._settings)
        recent = self._held.get(("picture_embeddings", ""), lambda: Recent(EMBEDDINGS))
        return recent.get((name, stamp(file) if file else None, picture.key), make)


def make(plan: ObjectsPlan, workshop: Workshop) -> Made:
    """Raises ModelMissing, BrokenModel, or InvalidValue for words that the detector cannot take."""
    watch = Stopwatch()
    with watch.part("read"):
        picture = Picture(plan.image)
    found, warnings = _found(plan, picture, workshop, watch) if plan.phrases else ([], [])
    drawn = [_drawn(one) for one in found if one.mask is not None]
    boxed = [one for one in found if one.mask is None]
    if plan.boxes_only:
        given = [Found(box=box, score=1.0, phrase="") for box in plan.boxes]
        things = [_rectangle(one, picture) for one in (*found, *given)]
    else:
        things = drawn + _segmented(plan, boxed, picture, workshop, watch)
    with watch.part("finish"):
        union = np.zeros((picture.height, picture.width), bool)
        for thing in things:
            union |= thing.mask
        mask = shaped(Image.fromarray(union.astype(np.uint8) * 255), plan.shaping)
    return Made(mask=mask, things=tuple(things), times=watch.times, warnings=tuple(warnings))


def _found(plan: ObjectsPlan, picture: Picture, workshop: Workshop, watch: Stopwatch) -> tuple[list[Found], list[str]]:
    """What the words name, the best by score, each once; boxes grown and within the picture."""
    with watch.part("load"):
        detector = workshop.detector(plan.detector)
    with watch.part("detect"):
        thresholds = {"box_threshold": plan.box_threshold, "text_threshold": plan.text_threshold}
        found = _each_once(detector.find(picture, plan.phrases, **thresholds))
    warnings = []
    if not found:
        asked = ", ".join(f'"{phrase}"' for phrase in plan.phrases)
        warnings.append(f"Nothing in the picture answers {asked} above box_threshold {plan.box_threshold:g}.")
    if len(found) > MOST:
        warnings.append(f"{len(found)} objects were found; the best {MOST} were taken.")
    best = found[: plan.most or MOST]
    if plan.box_growth and any(one.mask is not None for one in best):
        warnings.append("dino_erode_or_dilate was not used: the detector draws its masks itself, without boxes.")
    return [grown for one in best if (grown := _grown(one, plan.box_growth, picture))], warnings


def _each_once(found: Iterable[Found]) -> list[Found]:
    """The best first; without those whose boxes say what a better one's has said (non-maximum suppression)."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: -one.score):
        if len(kept) <= MOST and all(_shared(one.box, other.box) <= SAME for other in kept):
            kept.append(one)
    return kept


def _shared(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0.0) * max(height, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (areas - both) if areas > both else 1.0


def _grown(found: Found, steps: int, picture: Picture) -> Found | None:
    """With a larger or smaller box that keeps to the picture; None where nothing is left of it."""
    left, top, right, bottom = found.box
    box = (
        max(left - steps, 0.0),
        max(top - steps, 0.0),
        min(right + steps, float(picture.width)),
        min(bottom + steps, float(picture.height)),
    )
    return replace(found, box=box) if box[0] < box[2] and box[1] < box[3] else None


def _drawn(found: Found) -> Thing:
    assert found.mask is not None
    return Thing(box=found.box, score=found.score, phrase=found.phrase, mask=tidy(found.mask))


def _rectangle(found: Found, picture: Picture) -> Thing:
    mask = np.zeros((picture.height, picture.width), bool)
    left, top, right, bottom = (round(edge) for edge in found.box)
    mask[top:bottom, left:right] = True
    return Thing(box=found.box, score=found.score, phrase=found.phrase, mask=mask)


def _segmented(
    plan: ObjectsPlan, boxed: Sequence[Found], picture: Picture, workshop: Workshop, watch: Stopwatch
) -> list[Thing]:
    """One thing per box, one for the points, or one for an earlier mask alone."""
    given = list(plan.boxes) if not plan.points_in_box else []
    asked = [(Prompt(box=one.box), one) for one in boxed] + [(Prompt(box=box), None) for box in given]
    alone = _pointing(plan, picture)
    asked += [(alone, None)] if alone else []
    if not asked:
        return []
    with watch.part("load"):
        segmenter = workshop.segmenter(plan.segmenter)
    embedding = workshop.embedding(plan.segmenter, picture, watch)
    with watch.part("segment"):
        answers = segmenter.segment(embedding, [prompt for prompt, _ in asked], several=plan.several)
        return [
            _thing(guesses, prompt, found, plan, picture)
            for guesses, (prompt, found) in zip(answers, asked, strict=True)
        ]


def _pointing(plan: ObjectsPlan, picture: Picture) -> Prompt | None:
    """What the points, with their box, or the earlier mask, point at together."""
    box = plan.boxes[0] if plan.points_in_box else None
    if not (box or plan.points or plan.earlier):
        return None
    earlier = None
    if plan.earlier:
        with Image.open(plan.earlier[0]) as file:
            mask = file.convert("L").resize((picture.width, picture.height), Image.Resampling.BILINEAR)
        earlier = Image.new("L", picture.room)
        earlier.paste(mask)
    return Prompt(box=box, points=plan.points, earlier=earlier)


def _thing(guesses: Guesses, prompt: Prompt, found: Found | None, plan: ObjectsPlan, picture: Picture) -> Thing:
    """The best guess; the score is the detector's, where it was found by words, else the segmenter's own."""
    logits = guesses.logits[:, : picture.height, : picture.width]
    numbers = range(len(logits)) if plan.candidates else [guesses.best]
    drawn = {i: _guess(tidy(logits[i] > 0), float(guesses.scores[i]), prompt) for i in numbers}
    best = drawn[guesses.best]
    if found is not None:
        best = replace(best, box=found.box, score=found.score, phrase=found.phrase)
    return replace(best, candidates=tuple(drawn.values()) if plan.candidates else ())


def _guess(mask: NDArray[np.bool_], score: float, prompt: Prompt) -> Thing:
    box = prompt.box or box_of(mask) or (0, 0, 0, 0)
    left, top, right, bottom = (float(edge) for edge in box)
    return Thing(box=(left, top, right, bottom), score=score, mask=mask)


def tidy(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without small holes and small islands."""
    return drop_islands(close_holes(mask, SMALL), SMALL)
