"""A picture made larger: by an upscaler, and then, unless it shall be fast, painted over for detail."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from configs.settings import LIMITS
from masking.errors import InvalidValue, TooLarge
from pipelines import canvas, performance
from pipelines.plans import Drawing, Enlarging, Plan, Shot
from pipelines.strength import paint_over, shorten
from pipelines.tasks import Ground, Task

STRENGTH = 0.382
LARGEST_PAINTED = 2800 / 1024
"""Above this many native sides (the root of the area) a picture is not painted over."""


@dataclass(frozen=True, kw_only=True)
class Upscale(Task):
    """`image` is an upright 8-bit RGB PNG. factor: above 0. upscaler: a name, "" = none is installed.

    fast: the upscaler's picture as it is. strength: 0 to 1, of what is painted over.
    """

    image: Path
    factor: float
    upscaler: str
    fast: bool = False
    strength: float | None = None

    def decide(self, ground: Ground) -> "UpscalePlan":
        """Raises InvalidValue or TooLarge. Reads the image's header."""
        if self.factor <= 0:
            raise InvalidValue(f"factor is {self.factor}, and must be above 0.", field="factor")
        with Image.open(self.image) as image:
            size = image.size
        side, multiple = ground.checkpoint.side, ground.checkpoint.multiple
        width, height, raised = _size(*size, self.factor, 0 if self.fast else side)
        _refuse_too_large(width, height)
        over = math.sqrt(width * height) > LARGEST_PAINTED * side
        strength = STRENGTH if self.strength is None else self.strength
        paints = not self.fast and not over and strength > 0
        recipe = ground.recipe
        if self.steps is None:
            share = performance.upscale_share(ground.performance)
            recipe = dataclasses.replace(recipe, steps=max(1, round(recipe.steps * share)))
        recipe, skipped = shorten(recipe, strength if paints else 1.0)
        return UpscalePlan(
            preset=ground.preset.name,
            performance=ground.performance,
            recipe=recipe,
            painted=(canvas.round_up(width, multiple), canvas.round_up(height, multiple)),
            shots=ground.shots(width, height)[: None if paints else 1],
            warnings=(*ground.warnings, *_told(self, raised, over and not self.fast, len(ground.seeds), paints)),
            image=self.image,
            cell=ground.checkpoint.cell,
            factor=self.factor,
            upscaler=self.upscaler,
            paints=paints,
            strength=strength,
            skipped=skipped,
        )


@dataclass(frozen=True, kw_only=True)
class UpscalePlan(Plan):
    """cell: pixels per latent cell. paints: whether it is painted over. skipped: see `Repainting`."""

    kind = "upscale"

    image: Path
    cell: int
    factor: float
    upscaler: str
    paints: bool
    strength: float
    skipped: int

    def draw(self, shot: Shot) -> Drawing:
        """Enlarge, bring to the exact size, and paint over what the model may see of it."""
        with Image.open(self.image) as image:
            pixels = np.array(image.convert("RGB"))
        if self.upscaler:
            pixels = yield Enlarging(upscaler=self.upscaler, image=pixels)
        pixels = canvas.resize(pixels, shot.width, shot.height)
        if not self.paints:
            return pixels
        recipe = self.recipe_of(shot)
        made = yield from paint_over(
            recipe, shot.seed, pixels, painted=self.painted, cell=self.cell, skipped=self.skipped
        )
        return made


PLAN = UpscalePlan


def _size(width: int, height: int, factor: float, side: int) -> tuple[int, int, bool]:
    """Width and height of the large picture, and whether they were raised to the native area."""
    native = side / math.sqrt(width * height)
    scale = max(factor, native)
    return max(1, round(width * scale)), max(1, round(height * scale)), native > factor


def _refuse_too_large(width: int, height: int) -> None:
    if max(width, height) > LIMITS.max_side or width * height > LIMITS.max_pixels:
        raise TooLarge(
            f"The upscaled picture would have {width} x {height} pixels; {LIMITS.max_side} a side and "
            f"{LIMITS.max_pixels} in all are the most.",
            field="upscale_multiple",
        )


def _told(task: Upscale, raised: bool, over: bool, number: int, paints: bool) -> tuple[str, ...]:
    told = []
    if not task.upscaler:
        told.append("No upscaler is installed in upscale_models: the picture was enlarged by Lanczos resampling.")
    if raised:
        told.append("The picture was enlarged to the area that the checkpoint is made for, more than asked.")
    if over:
        told.append("The large picture is more than the checkpoint can paint over: it is the upscaler's own.")
    if number > 1 and not paints:
        told.append(f"One picture instead of {number}: without painting over, all would be the same.")
    return tuple(told)
