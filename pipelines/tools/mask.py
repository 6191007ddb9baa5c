"""The mask of what stands out in a picture (`masking.plans.MaskPlan`): packed by `masking.made`."""

import json
from typing import TYPE_CHECKING

from masking import salient
from masking.plans import MaskPlan
from pipelines.tools import Done

if TYPE_CHECKING:
    from pipelines.studio import Studio


class Mask:
    def run(self, plan_json: str, studio: "Studio") -> Done:
        plan = MaskPlan.from_json(plan_json)
        content, facts = salient.make(plan, studio.mask_model(plan.model)).packed()
        return Done(content=content, facts=json.dumps(facts))


tool = Mask()
