"""The join of an edit: the patch pasted, its seam measured, painted over once more where it can be seen, and told."""

import dataclasses
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines import canvas, seam, seam_score
from pipelines.canvas import KNOWN, Frame
from pipelines.plans import EditReport, Mask, Pixels, Recipe, Repainting
from pipelines.seam_score import SeamScore

VISIBLE = 3.0
"""A colour or slope above this is repaired: true pictures stay below it in 19 of 20 cases (docs/edits.md)."""

BAND = 12
"""How far into the hole a repair reaches, pixels as painted."""

STRENGTH = 0.35
"""Of the schedule, how much a repair runs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Edge:
    """Where a patch meets a picture. crop: what was there. marked: its mask. framed, cell: how the model sees it."""

    crop: Pixels
    marked: Mask
    framed: Frame
    cell: int

    @property
    def hole(self) -> NDArray[np.bool_]:
        """True where anything is painted."""
        return self.marked > KNOWN

    def measure(self, pasted: Pixels) -> SeamScore | None:
        return seam_score.measure(self.crop, pasted, self.hole)


def join(
    edge: Edge, painted: Pixels, recipe: Recipe, seed: int, *, repair: bool
) -> Generator[Repainting, Pixels, tuple[Pixels, EditReport]]:
    """The crop with what was painted of it, and the report. recipe: with the steps of a whole schedule."""
    pasted = seam.paste(edge.crop, _back(painted, edge), edge.marked)
    score = first = edge.measure(pasted)
    if repair and first and max(first.colour, first.slope) > VISIBLE:
        band = _band(edge)
        made = yield _repainting(edge, pasted, band, recipe, seed)
        again = seam.paste(pasted, _back(made, edge), band.astype(np.uint8) * 255)
        second = edge.measure(again)
        if second and second.colour + second.slope < first.colour + first.slope:
            pasted, score = again, second
    return pasted, _report(edge, pasted, score, first)


def worst(reports: Sequence[EditReport]) -> EditReport:
    """One report of several runs: the most visible seam, and all that was done."""
    most = max(reports, key=lambda report: max(report.seam_colour, report.seam_slope))
    done = tuple(dict.fromkeys(name for report in reports for name in report.done))
    return dataclasses.replace(most, known_changed_by=max(report.known_changed_by for report in reports), done=done)


def _back(painted: Pixels, edge: Edge) -> Pixels:
    """What was painted, in the crop's size."""
    (height, width), (wide, high) = edge.marked.shape, edge.framed.inner
    return canvas.resize(np.ascontiguousarray(painted[:high, :wide]), width, height)


def _band(edge: Edge) -> NDArray[np.bool_]:
    """The part of the hole that lies along its edge."""
    import cv2

    depth = cv2.distanceTransform(edge.hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    reach = BAND * edge.marked.shape[1] / edge.framed.inner[0]
    band: NDArray[np.bool_] = edge.hole & (depth <= reach)
    return band


def _repainting(edge: Edge, pasted: Pixels, band: NDArray[np.bool_], recipe: Recipe, seed: int) -> Repainting:
    steps = max(1, round(recipe.steps * STRENGTH))
    small, hole = canvas.stretch(pasted, band, edge.framed)
    return Repainting(
        recipe=dataclasses.replace(recipe, steps=steps, asked_steps=recipe.steps),
        seed=seed,
        width=edge.framed.painted[0],
        height=edge.framed.painted[1],
        image=small,
        mask=hole,
        cells=canvas.cells_of(hole, edge.cell),
        skipped=recipe.steps - steps,
        from_image=True,
    )


def _report(edge: Edge, pasted: Pixels, score: SeamScore | None, first: SeamScore | None) -> EditReport:
    import cv2

    changed = np.where(edge.hole[..., None], np.uint8(0), cv2.absdiff(pasted, edge.crop))
    repaired = score is not first
    return EditReport(
        known_changed_by=int(changed.max()),
        seam_colour=round(score.colour, 2) if score else 0.0,
        seam_slope=round(score.slope, 2) if score else 0.0,
        colour_step=round(score.colour_step, 2) if score else 0.0,
        unrepaired=round(first.colour, 2) if first and repaired else None,
        done=("tone", "poisson", *(["repair"] if repaired else [])),
    )
