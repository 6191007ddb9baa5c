"""Part of a picture painted anew, or the picture continued beyond its margins (outpaint), or both."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from configs.settings import LIMITS
from masking.errors import InvalidValue, TooLarge
from pipelines import canvas, passes, prompts, seam, targets
from pipelines.canvas import KNOWN, Box
from pipelines.families import Checkpoint
from pipelines.passes import Pass
from pipelines.plans import Drawing, EditReport, Enlarging, Mask, Painting, Pixels, Plan, Repainting, Shot, Sizes
from pipelines.repair import Edge, join, worst
from pipelines.strength import shorten
from pipelines.tasks import SEEDS, Ground, Task

Side = Literal["Left", "Top", "Right", "Bottom"]

STRENGTH, RESPECTIVE_FIELD = 1.0, 0.618
NO_MASK = Path()

SEEDS_APART = 2**32
"""Between the seeds of one picture's runs: the same noise in a window of the same shape would paint the same again."""


@dataclass(frozen=True, kw_only=True)
class Inpaint(Task):
    """`image` is an upright 8-bit RGB PNG, `mask` an 8-bit grey one (255 = paint here); sizes may differ a little.

    outpaint_distance: pixels left, top, right, bottom; 0 = a third of the side. outpaint_target, outpaint_anchor: a
    shape or size to continue to, see `pipelines.targets`. strength and respective_field: 0 to 1.
    erode_or_dilate: -64 to 64, positive grows the mask. initial_latent: below strength 1, start from the picture.
    seam_repair: paint a seam that can be seen over once more.
    """

    inpaints = True

    image: Path
    mask: Path | None = None
    additional_prompt: str | None = None
    outpaint: tuple[Side, ...] = ()
    outpaint_distance: tuple[int, int, int, int] = (0, 0, 0, 0)
    outpaint_target: str | None = None
    outpaint_anchor: str = "center"
    strength: float | None = None
    respective_field: float | None = None
    erode_or_dilate: int = 0
    invert_mask: bool = False
    initial_latent: bool = True
    seam_repair: bool = True

    def words(self) -> str | None:
        return prompts.put_before(self.additional_prompt, self.prompt)

    def decide(self, ground: Ground) -> "InpaintPlan":
        """Raises InvalidValue or TooLarge. Reads the image's header and the mask's pixels."""
        self._refuse_out_of_range()
        with Image.open(self.image) as image:
            size = image.size
        added = self._margins(size)
        self._refuse_too_large(size, added)
        mask, warnings = self._read_mask(size)
        self._refuse_nothing_to_paint(mask, added)
        strength, share, forced = self._strength_and_field()
        whole = canvas.expand(np.zeros((size[1], size[0], 0), np.uint8), mask, added)[1]
        first, *further = self._passes(size, added, whole, share, ground.checkpoint)
        recipe, skipped = shorten(ground.recipe, strength)
        return InpaintPlan(
            preset=ground.preset.name,
            performance=ground.performance,
            recipe=recipe,
            painted=first.painted,
            shots=ground.shots(whole.shape[1], whole.shape[0]),
            warnings=(*ground.warnings, *warnings, *forced, *_told(strength, (first, *further))),
            image=self.image,
            mask=self.mask or NO_MASK,
            inverted=self.invert_mask and self.mask is not None,
            grown=self.erode_or_dilate,
            margins=added,
            region=first.region,
            box=first.box,
            inner=first.inner,
            further=tuple(further),
            cell=ground.checkpoint.cell,
            strength=strength,
            respective_field=share,
            skipped=skipped,
            initial_latent=self.initial_latent,
            seam_repair=self.seam_repair,
            uncovered=ground.checkpoint.shown and not any(added),
        )

    def _margins(self, size: tuple[int, int]) -> Box:
        if self.outpaint_target is None:
            return canvas.margins(*size, self.outpaint, self.outpaint_distance)
        if self.outpaint:
            raise InvalidValue(
                "Give either sides to outpaint or a target shape: both were given.", field="outpaint_target"
            )
        return targets.margins_to(size, self.outpaint_target, self.outpaint_anchor)

    def _passes(
        self, size: tuple[int, int], added: Box, whole: Mask, share: float, checkpoint: Checkpoint
    ) -> Sequence[Pass]:
        side, multiple = checkpoint.side, checkpoint.multiple
        if not passes.are_long(size, added, side):
            return [passes.framed(None, canvas.crop_around(whole, share), side, multiple)]
        within = (added[0], added[1], added[0] + size[0], added[1] + size[1])
        masked = [passes.framed(None, within, side, multiple)] if self.mask else []
        strips = passes.strips(size, added, side)
        return [*masked, *(passes.framed(region, box, side, multiple) for region, box in strips)]

    def _refuse_out_of_range(self) -> None:
        for field, least, most in (("strength", 0, 1), ("respective_field", 0, 1), ("erode_or_dilate", -64, 64)):
            value = getattr(self, field)
            if value is not None and not least <= value <= most:
                raise InvalidValue(f"{field} is {value}, and must lie between {least} and {most}.", field=field)

    def _refuse_too_large(self, size: tuple[int, int], added: Box) -> None:
        width, height = size[0] + added[0] + added[2], size[1] + added[1] + added[3]
        if max(width, height) > LIMITS.max_side or width * height > LIMITS.max_pixels:
            raise TooLarge(
                f"The outpainted picture would have {width} x {height} pixels; {LIMITS.max_side} a side and "
                f"{LIMITS.max_pixels} in all are the most.",
                field="outpaint_distance",
            )

    def _read_mask(self, size: tuple[int, int]) -> tuple[Mask, tuple[str, ...]]:
        """The mask as it counts, at the image's size, and what there is to tell about it."""
        if self.mask is None:
            return canvas.shape_mask(None, size, inverted=False, grown=0), ()
        with Image.open(self.mask) as mask:
            shaped = canvas.shape_mask(mask, size, inverted=self.invert_mask, grown=self.erode_or_dilate)
            if mask.size == size:
                return shaped, ()
            told = f"{mask.size[0]}x{mask.size[1]}", f"{size[0]}x{size[1]}"
            if abs(mask.size[0] * size[1] / (mask.size[1] * size[0]) - 1) > 0.01:
                raise InvalidValue(
                    f"The mask has {told[0]} pixels and the image {told[1]}: send a mask of the image's size.",
                    field="mask",
                )
        return shaped, (f"The mask was resized from {told[0]} to the image's {told[1]}.",)

    def _refuse_nothing_to_paint(self, mask: Mask, added: Box) -> None:
        if any(added) or bool((mask > KNOWN).any()):
            return
        if self.outpaint:
            raise InvalidValue(
                "The image is too small for a third of its side to be a pixel: give outpaint_distance.",
                field="outpaint_distance",
            )
        if self.mask is None:
            raise InvalidValue("An image to inpaint needs a mask (white = paint) or sides to outpaint.", field="mask")
        after = " after inverting, growing or shrinking it" if self.invert_mask or self.erode_or_dilate else ""
        raise InvalidValue(f"The mask is empty{after}: nothing in it is over {KNOWN}.", field="mask")

    def _strength_and_field(self) -> tuple[float, float, tuple[str, ...]]:
        strength = STRENGTH if self.strength is None else self.strength
        share = RESPECTIVE_FIELD if self.respective_field is None else self.respective_field
        if not self.outpaint and self.outpaint_target is None:
            return strength, share, ()
        asked = [name for name in ("strength", "respective_field") if getattr(self, name) not in (None, 1)]
        if not asked:
            return 1.0, 1.0, ()
        return 1.0, 1.0, (f"Outpainting works at strength 1 and field 1: {' and '.join(asked)} had no effect.",)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sight:
    """What the model sees of a crop, all in the size that it paints. hole: True = paint; share: by how much, 0..1.

    filled: the crop with nothing left of what is painted wholly anew, or as it is where the run starts from what is
    there.
    """

    crop: Pixels
    hole: NDArray[np.bool_]
    share: NDArray[np.float32]
    filled: Pixels


@dataclass(frozen=True, kw_only=True)
class InpaintPlan(Plan):
    """Where and how a picture is repainted.

    mask: NO_MASK where there is none. margins: pixels added left, top, right, bottom. region, box, inner (within
    `painted`): of the first run, see `Pass`; further: the runs after it. cell: pixels per latent cell. skipped: see
    `Repainting`; strength 0 paints nothing. uncovered: whether the model sees what it paints over, to change it.
    """

    kind = "inpaint"

    image: Path
    mask: Path
    inverted: bool
    grown: int
    margins: Box
    box: Box
    inner: tuple[int, int]
    cell: int
    strength: float
    respective_field: float
    skipped: int
    initial_latent: bool
    seam_repair: bool = True
    uncovered: bool = False
    region: Box | None = None
    further: tuple[Pass, ...] = ()

    @property
    def runs(self) -> int:
        return 1 + len(self.further)

    @property
    def sized_by(self) -> str:
        return "outpaint_distance" if any(self.margins) else "image"

    def scaled(self, share: float, side: int, multiple: int) -> Sizes:
        painted = passes.largest((self._first, *self.further), share, side, multiple)
        return Sizes(painted=painted, delivered=self.shares(share))

    def draw(self, shot: Shot) -> Drawing:
        """Expand, then for each run cut out what the model shall see, paint it, and join what is asked for to it."""
        pixels, mask = self._canvas()
        if self.strength == 0:
            return pixels
        reports = []
        for number, run in enumerate((self._first, *self.further)):
            left, top, right, bottom = run.box
            seed = (shot.seed + number * SEEDS_APART) % SEEDS
            edge = self._edge(pixels, mask, run)
            pixels[top:bottom, left:right], report = yield from self._paint(edge, shot, seed)
            reports.append(report)
        yield worst(reports)
        return pixels

    @property
    def _first(self) -> Pass:
        return Pass(region=self.region, box=self.box, inner=self.inner, painted=self.painted)

    def _edge(self, pixels: Pixels, mask: Mask, run: Pass) -> Edge:
        """Where a run's patch meets the picture as it is by then."""
        left, top, right, bottom = run.box
        return Edge(
            crop=pixels[top:bottom, left:right].copy(),
            marked=_only(run.region, run.box) if run.region else mask[top:bottom, left:right],
            framed=canvas.Frame(inner=run.inner, painted=run.painted),
            cell=self.cell,
        )

    def _sight(self, edge: Edge) -> Sight:
        small, hole = canvas.stretch(edge.crop, edge.hole, edge.framed)
        degrees = canvas.degrees(edge.marked)
        share = canvas.stretch_degrees(degrees, edge.framed)
        filled = small
        if not self.uncovered and not (self.skipped and self.initial_latent):
            covered = seam.cover(edge.crop, degrees >= 1, edge.framed.inner)
            filled = canvas.stretch(covered, edge.hole, edge.framed)[0]
            filled = filled if bool((share[hole] < 1).any()) else seam.fill(filled, hole)
        return Sight(crop=small, hole=hole, share=share, filled=filled)

    def _paint(
        self, edge: Edge, shot: Shot, seed: int
    ) -> Generator[Painting | Enlarging | EditReport, Pixels, tuple[Pixels, EditReport]]:
        """One run, joined to what was there."""
        sight = self._sight(edge)
        recipe = self.recipe_of(shot)
        painted = yield Repainting(
            recipe=recipe,
            seed=seed,
            width=edge.framed.painted[0],
            height=edge.framed.painted[1],
            image=sight.filled,
            mask=sight.hole,
            cells=canvas.cells_of(sight.share, self.cell),
            skipped=self.skipped,
            from_image=self.initial_latent,
        )
        whole = replace(recipe, steps=recipe.asked_steps or recipe.steps, asked_steps=0)
        return (yield from join(edge, painted, whole, seed, repair=self.seam_repair))

    def _canvas(self) -> tuple[Pixels, Mask]:
        """Picture and mask with their margins."""
        with Image.open(self.image) as image:
            pixels = np.array(image.convert("RGB"))
            size = image.size
        if self.mask == NO_MASK:
            return canvas.expand(pixels, canvas.shape_mask(None, size, inverted=False, grown=0), self.margins)
        with Image.open(self.mask) as mask:
            shaped = canvas.shape_mask(mask, size, inverted=self.inverted, grown=self.grown)
        return canvas.expand(pixels, shaped, self.margins)


PLAN = InpaintPlan


def _only(region: Box, box: Box) -> Mask:
    """The mask of a box in which just the region is painted."""
    marked = np.zeros((box[3] - box[1], box[2] - box[0]), np.uint8)
    marked[region[1] - box[1] : region[3] - box[1], region[0] - box[0] : region[2] - box[0]] = 255
    return marked


def _told(strength: float, runs: Sequence[Pass]) -> tuple[str, ...]:
    if strength == 0:
        return ("At strength 0 nothing is painted: the picture stays as it is.",)
    told = []
    for run in runs:
        width, height = run.box[2] - run.box[0], run.box[3] - run.box[1]
        if run.inner[0] * run.inner[1] < width * height:
            sizes = f"{width}x{height} is painted at {run.inner[0]}x{run.inner[1]}"
            told.append(f"The part around the mask, {sizes} and enlarged: more than the checkpoint is made for.")
    return tuple(dict.fromkeys(told))
