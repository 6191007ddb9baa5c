"""Part of a picture painted anew, or the picture continued beyond its margins (outpaint), or both."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from configs.settings import LIMITS
from masking.errors import InvalidValue, TooLarge
from pipelines import canvas, prompts, seam
from pipelines.canvas import KNOWN, Box
from pipelines.plans import Drawing, Mask, Pixels, Plan, Repainting, Shot
from pipelines.repair import Edge, join
from pipelines.strength import shorten
from pipelines.tasks import Ground, Task

Side = Literal["Left", "Top", "Right", "Bottom"]

STRENGTH, RESPECTIVE_FIELD = 1.0, 0.618
NO_MASK = Path()


@dataclass(frozen=True, kw_only=True)
class Inpaint(Task):
    """`image` is an upright 8-bit RGB PNG, `mask` an 8-bit grey one (255 = paint here); sizes may differ a little.

    outpaint_distance: pixels left, top, right, bottom; 0 = a third of the side. strength and respective_field: 0 to 1.
    erode_or_dilate: -64 to 64, positive grows the mask. initial_latent: below strength 1, start from the picture.
    seam_repair: paint a seam that can be seen over once more.
    """

    image: Path
    mask: Path | None = None
    additional_prompt: str | None = None
    outpaint: tuple[Side, ...] = ()
    outpaint_distance: tuple[int, int, int, int] = (0, 0, 0, 0)
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
        added = canvas.margins(*size, self.outpaint, self.outpaint_distance)
        self._refuse_too_large(size, added)
        mask, warnings = self._read_mask(size)
        self._refuse_nothing_to_paint(mask, added)
        strength, share, forced = self._strength_and_field()
        whole = canvas.expand(np.zeros((size[1], size[0], 0), np.uint8), mask, added)[1]
        box = canvas.crop_around(whole, share)
        width, height = box[2] - box[0], box[3] - box[1]
        framed = canvas.frame(width, height, ground.checkpoint.side, ground.checkpoint.multiple)
        recipe, skipped = shorten(ground.recipe, strength)
        return InpaintPlan(
            preset=ground.preset.name,
            performance=ground.performance,
            recipe=recipe,
            painted=framed.painted,
            shots=ground.shots(whole.shape[1], whole.shape[0]),
            warnings=(*ground.warnings, *warnings, *forced, *_told(strength, width, height, framed)),
            image=self.image,
            mask=self.mask or NO_MASK,
            inverted=self.invert_mask and self.mask is not None,
            grown=self.erode_or_dilate,
            margins=added,
            box=box,
            inner=framed.inner,
            cell=ground.checkpoint.cell,
            strength=strength,
            respective_field=share,
            skipped=skipped,
            initial_latent=self.initial_latent,
            seam_repair=self.seam_repair,
        )

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
        if not self.outpaint:
            return strength, share, ()
        asked = [name for name in ("strength", "respective_field") if getattr(self, name) not in (None, 1)]
        if not asked:
            return 1.0, 1.0, ()
        return 1.0, 1.0, (f"Outpainting works at strength 1 and field 1: {' and '.join(asked)} had no effect.",)


@dataclass(frozen=True, kw_only=True)
class InpaintPlan(Plan):
    """Where and how a picture is repainted.

    mask: NO_MASK where there is none. margins: pixels added left, top, right, bottom. box: the part that the model
    sees, in the picture with its margins. inner: that part's size (w, h) within `painted`. cell: pixels per latent
    cell. skipped: see `Repainting`; strength 0 paints nothing.
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

    def draw(self, shot: Shot) -> Drawing:
        """Expand, cut out what the model shall see, paint it, and join what the mask asks for to the rest."""
        pixels, mask = self._canvas()
        if self.strength == 0:
            return pixels
        left, top, right, bottom = self.box
        crop, marked = pixels[top:bottom, left:right].copy(), mask[top:bottom, left:right]
        framed = canvas.Frame(inner=self.inner, painted=self.painted)
        small, hole = canvas.stretch(crop, marked > KNOWN, framed)
        share = canvas.stretch_degrees(canvas.degrees(marked), framed)
        starts_from_it = self.skipped > 0 or bool((share[hole] < 1).any())
        recipe = self.recipe_of(shot)
        painted = yield Repainting(
            recipe=recipe,
            seed=shot.seed,
            width=self.painted[0],
            height=self.painted[1],
            image=small if starts_from_it else seam.fill(small, hole),
            mask=hole,
            cells=canvas.cells_of(share, self.cell),
            skipped=self.skipped,
            from_image=self.initial_latent,
        )
        edge = Edge(crop=crop, marked=marked, framed=framed, cell=self.cell)
        whole = replace(recipe, steps=recipe.asked_steps or recipe.steps, asked_steps=0)
        joined, report = yield from join(edge, painted, whole, shot.seed, repair=self.seam_repair)
        pixels[top:bottom, left:right] = joined
        yield report
        return pixels

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


def _told(strength: float, width: int, height: int, framed: canvas.Frame) -> tuple[str, ...]:
    if strength == 0:
        return ("At strength 0 nothing is painted: the picture stays as it is.",)
    if framed.inner[0] * framed.inner[1] < width * height:
        sizes = f"{width}x{height} is painted at {framed.inner[0]}x{framed.inner[1]}"
        return (f"The part around the mask, {sizes} and enlarged: more than the checkpoint is made for.",)
    return ()
