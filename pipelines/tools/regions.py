"""All regions of a picture (`masking.plans.RegionsPlan`), packed by `masking.made`."""

import json
from typing import TYPE_CHECKING

from masking import regions
from masking.objects import Workshop
from masking.plans import RegionsPlan
from pipelines.tools import Done

if TYPE_CHECKING:
    from pipelines.studio import Studio


class Regions:
    def run(self, plan_json: str, studio: "Studio") -> Done:
        workshop = Workshop(studio.held, studio.settings, studio.device)
        content, facts = regions.make(RegionsPlan.from_json(plan_json), workshop).packed()
        return Done(content=content, facts=json.dumps(facts))


tool = Regions()
