"""A variation: a whole picture painted anew from its own composition."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from masking.errors import InvalidValue
from pipelines import canvas
from pipelines.plans import Drawing, Plan, Repainting, Shot
from pipelines.strength import shorten
from pipelines.tasks import Ground, Task

Method = Literal["subtle", "strong"]
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
        width, height = canvas.varied_size(*size, ground.checkpoint.side, ground.checkpoint.multiple)
        told = () if (width, height) == size else (_told(size, (width, height)),)
        recipe, skipped = shorten(ground.recipe, strength)
        return VaryPlan(
            preset=ground.preset.name,
            performance=ground.performance,
            recipe=recipe,
            painted=(width, height),
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

    def draw(self, shot: Shot) -> Drawing:
        """All of the picture is repainted, from its own latents with noise added."""
        width, height = self.painted
        with Image.open(self.image) as image:
            pixels = canvas.resize(np.array(image.convert("RGB")), width, height)
        everything = np.ones((height, width), np.bool_)
        painted = yield Repainting(
            recipe=self.recipe_of(shot),
            seed=shot.seed,
            width=width,
            height=height,
            image=pixels,
            mask=everything,
            cells=canvas.cells_of(everything, self.cell),
            skipped=self.skipped,
            from_image=True,
        )
        return painted


PLAN = VaryPlan


def _told(size: tuple[int, int], painted: tuple[int, int]) -> str:
    return (
        f"The variation has {painted[0]}x{painted[1]} pixels, the picture {size[0]}x{size[1]}: "
        "the checkpoint paints only some sizes."
    )
