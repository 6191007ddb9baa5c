"""How the mask of what stands out is made."""

from masking.made import Made, Stopwatch, Thing
from masking.models import MaskModel
from masking.pictures import Picture
from masking.plans import MaskPlan
from masking.refining import refined
from masking.shape import bounding_box, shaped

SEEN = 127
"""A pixel above it belongs to the object."""


def make(plan: MaskPlan, model: MaskModel) -> Made:
    """The model's mask, shaped as asked; the object is its brighter half."""
    import numpy as np

    watch = Stopwatch()
    with watch.part("read"):
        image = Picture(plan.image).image
    with watch.part("segment"):
        mask = model.mask(image, plan).convert("L")
    with watch.part("refine"):
        mask, warnings = refined(image, mask, plan)
    things: tuple[Thing, ...] = ()
    if (box := bounding_box(mask, above=SEEN)) is None:
        warnings = (*warnings, f'mask_model "{plan.model}" saw nothing that stands out.')
    else:
        left, top, right, bottom = (float(edge) for edge in box)
        things = (Thing(box=(left, top, right, bottom), mask=np.asarray(mask) > SEEN),)
    with watch.part("finish"):
        return Made(mask=shaped(mask, plan.shaping), things=things, times=watch.times, warnings=warnings)
