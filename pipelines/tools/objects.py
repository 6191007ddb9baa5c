"""The mask of what words, boxes and points name (`masking.plans.ObjectsPlan`), packed by `masking.made`."""

import json
from typing import TYPE_CHECKING

from masking import objects
from masking.objects import Workshop
from masking.plans import ObjectsPlan
from pipelines.tools import Done

if TYPE_CHECKING:
    from pipelines.studio import Studio


class Objects:
    def run(self, plan_json: str, studio: "Studio") -> Done:
        workshop = Workshop(studio.held, studio.settings, studio.device)
        content, facts = objects.make(ObjectsPlan.from_json(plan_json), workshop).packed()
        return Done(content=content, facts=json.dumps(facts))


tool = Objects()
