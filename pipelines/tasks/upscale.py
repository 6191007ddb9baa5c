"""A picture made larger: by an upscaler, and then, unless it shall be fast, painted over for detail."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from configs.settings import LIMITS
from masking.errors import InvalidValue, TooLarge
from pipelines import canvas, performance, upscalers
from pipelines.plans import Drawing, Enlarging, Plan, Shot, Sizes
from pipelines.strength import paint_over, shorten
from pipelines.tasks import Ground, Task

STRENGTH = 0.382
LARGEST_PAINTED = 2800 / 1024
"""Above this many native sides (the root of the area) a picture is not painted over."""


@dataclass(frozen=True, kw_only=True)
class Upscale(Task):
    """`image` is an upright 8-bit RGB PNG. factor: above 0. upscaler: a file's name.

    fast: the upscaler's picture as it is. strength: 0 to 1, of what is painted over.
    """

    image: Path
    factor: float
    upscaler: str | None = None
    fast: bool = False
    strength: float | None = None

    def decide(self, ground: Ground) -> "UpscalePlan":
        """Raises InvalidValue or TooLarge. Reads the image's header."""
        if self.factor <= 0:
            raise InvalidValue(f"factor is {self.factor}, and must be above 0.", field="factor")
        with Image.open(self.image) as image:
            size = image.size
        side, multiple = ground.checkpoint.side, ground.checkpoint.multiple
        factor = max(self.factor, 0 if self.fast else side / math.sqrt(size[0] * size[1]))
        width, height = (max(1, round(length * factor)) for length in size)
        _refuse_too_large(width, height)
        upscaler = ground.upscalers.choose(self.upscaler, factor)
        stands_in = not self.upscaler and ground.upscalers.stands_in(upscaler, ground.preset.upscaler)
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
            warnings=(*ground.warnings, *self._told(upscaler, stands_in, factor, over, paints)),
            image=self.image,
            cell=ground.checkpoint.cell,
            factor=self.factor,
            upscaler=upscaler,
            paints=paints,
            strength=strength,
            skipped=skipped,
        )

    def _told(self, upscaler: str, stands_in: bool, factor: float, over: bool, paints: bool) -> Iterator[str]:
        if not upscaler:
            yield "No upscaler is installed in upscale_models: the picture was enlarged by Lanczos resampling."
        if stands_in:
            yield (
                f'No upscaler is installed in models/upscale_models; "{upscaler}" took its place, which is made for '
                "the starter's picture-book world."
            )
        if factor > self.factor:
            yield "The picture was enlarged to the area that the checkpoint is made for, more than asked."
        if over and not self.fast:
            yield "The large picture is more than the checkpoint can paint over: it is the upscaler's own."
        if self.image_number > 1 and not paints:
            yield f"One picture instead of {self.image_number}: without painting over, all would be the same."


@dataclass(frozen=True, kw_only=True)
class UpscalePlan(Plan):
    """upscaler: "" = none is installed. cell: pixels per latent cell. paints: whether it is painted over.

    skipped: see `Repainting`.
    """

    kind = "upscale"

    image: Path
    cell: int
    factor: float
    upscaler: str
    paints: bool
    strength: float
    skipped: int

    @property
    def sized_by(self) -> str:
        return "picture"

    def scaled(self, share: float, side: int, multiple: int) -> Sizes:
        """Of a smaller picture, enlarged as much."""
        usual, enlarged = super().scaled(share, side, multiple), 0
        if self.upscaler:
            with Image.open(self.image) as image:
                enlarged = round(image.width * image.height * (share * upscalers.scale_told(self.upscaler)) ** 2)
        return dataclasses.replace(usual, painted=usual.painted if self.paints else (0, 0), enlarged=enlarged)

    @property
    def batch_key(self) -> str:
        """An upscaler's work is long, and would hold the others up."""
        return ""

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


def _refuse_too_large(width: int, height: int) -> None:
    if max(width, height) > LIMITS.max_side or width * height > LIMITS.max_pixels:
        raise TooLarge(
            f"The upscaled picture would have {width} x {height} pixels; {LIMITS.max_side} a side and "
            f"{LIMITS.max_pixels} in all are the most.",
            field="upscale_multiple",
        )
