"""The mask of what a picture shows: 8-bit grey, row by row, and its `width` and `height` as facts."""

import json
from typing import TYPE_CHECKING

from PIL import Image

from masking.plans import MaskPlan
from pipelines.tools import Done

if TYPE_CHECKING:
    from pipelines.studio import Studio


class Mask:
    def run(self, plan_json: str, studio: "Studio") -> Done:
        plan = MaskPlan.from_json(plan_json)
        with Image.open(plan.image) as picture:
            mask = studio.mask_model(plan.model).mask(picture.convert("RGB"), plan).convert("L")
        return Done(content=mask.tobytes(), facts=json.dumps({"width": mask.width, "height": mask.height}))


tool = Mask()
