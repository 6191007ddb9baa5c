"""A variation: a whole picture painted anew from its own composition."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from masking.errors import InvalidValue
from pipelines import canvas
from pipelines.plans import Drawing, Plan, Shot
from pipelines.strength import paint_over, shorten
from pipelines.tasks import Ground, Task

Method = Literal["subtle", "strong"]
LONGEST = 8
STRENGTHS: dict[Method, float] = {"subtle": 0.5, "strong": 0.85}


@dataclass(frozen=True, kw_only=True)
class Vary(Task):
    """`image` is an upright 8-bit RGB PNG. strength: above 0 to 1, in place of the method's own."""

    image: Path
    method: Method
    strength: float | None = None

    def decide(self, ground: Ground) -> "VaryPlan":
        """Raises InvalidValue. Reads the image's header."""
        strength = STRENGTHS[self.method] if self.strength is None else self.strength
        if not 0 < strength <= 1:
            raise InvalidValue(f"strength is {strength}, and must be above 0 and 1 at most.", field="strength")
        with Image.open(self.image) as image:
            size = image.size
        if max(size) > LONGEST * min(size):
            raise InvalidValue(
                f"A picture of {size[0]}x{size[1]} pixels is too narrow for a variation: {LONGEST} times as long as "
                "wide is the most.",
                field="picture",
            )
        width, height = canvas.varied_size(*size, ground.checkpoint.side)
        multiple = ground.checkpoint.multiple
        told = () if (width, height) == size else (_told(size, (width, height)),)
        recipe, skipped = shorten(ground.recipe, strength)
        return VaryPlan(
            preset=ground.preset.name,
            performance=ground.performance,
            recipe=recipe,
            painted=(canvas.round_up(width, multiple), canvas.round_up(height, multiple)),
            shots=ground.shots(width, height),
            warnings=(*ground.warnings, *told),
            image=self.image,
            cell=ground.checkpoint.cell,
            method=self.method,
            strength=strength,
            skipped=skipped,
        )


@dataclass(frozen=True, kw_only=True)
class VaryPlan(Plan):
    """cell: pixels per latent cell. skipped: see `Repainting`."""

    kind = "vary"

    image: Path
    cell: int
    method: Method
    strength: float
    skipped: int

    @property
    def sized_by(self) -> str:
        return "picture"

    def draw(self, shot: Shot) -> Drawing:
        """All of the picture is repainted, from its own latents with noise added."""
        with Image.open(self.image) as image:
            pixels = canvas.resize(np.array(image.convert("RGB")), shot.width, shot.height)
        recipe = self.recipe_of(shot)
        made = yield from paint_over(
            recipe, shot.seed, pixels, painted=self.painted, cell=self.cell, skipped=self.skipped
        )
        return made


PLAN = VaryPlan


def _told(size: tuple[int, int], made: tuple[int, int]) -> str:
    return (
        f"The variation has {made[0]}x{made[1]} pixels, the picture {size[0]}x{size[1]}: "
        "about the area that the checkpoint is made for."
    )
