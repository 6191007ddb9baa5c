"""What an inpaint gives the model to see, in one picture and without painting: crop, mask and filled crop in a row."""

from dataclasses import dataclass, fields, replace

import numpy as np

from pipelines.plans import Drawing, Shot
from pipelines.tasks import Ground
from pipelines.tasks.inpaint import Inpaint, InpaintPlan

PANELS = 3


@dataclass(frozen=True, kw_only=True)
class InpaintInputs(Inpaint):
    """Asked for as an inpaint is."""

    def decide(self, ground: Ground) -> "InpaintInputsPlan":
        """Raises what an inpaint's does."""
        plan = super().decide(ground)
        told = {field.name: getattr(plan, field.name) for field in fields(plan)}
        width, height = plan.painted
        shot = replace(plan.shots[0], width=PANELS * width, height=height)
        warning = "debugging_inpaint_preprocessor: nothing was painted; crop, mask and filled crop are shown in a row."
        return InpaintInputsPlan(**told | {"shots": (shot,), "warnings": (*plan.warnings, warning)})


@dataclass(frozen=True, kw_only=True)
class InpaintInputsPlan(InpaintPlan):
    """As the inpaint's, of which the first run is shown."""

    kind = "inpaint_inputs"

    def draw(self, shot: Shot) -> Drawing:
        """Three panels of `painted` size, left to right; the mask is white where the model paints."""
        yield from ()  # no run of the model
        pixels, mask = self._canvas()
        sight = self._sight(self._edge(pixels, mask, self._first))
        hidden = np.repeat(sight.hole.astype(np.uint8)[..., None] * 255, 3, axis=2)
        return np.concatenate([sight.crop, hidden, sight.filled], axis=1)


PLAN = InpaintInputsPlan
