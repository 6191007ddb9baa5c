"""Let models go (a JSON object with `kind` and `name`, each may be null: every one); then what lies where."""

import json
from typing import TYPE_CHECKING

from pipelines.tools import Done, memory

if TYPE_CHECKING:
    from pipelines.studio import Studio


class Unload:
    def run(self, plan_json: str, studio: "Studio") -> Done:
        asked = json.loads(plan_json)
        unloaded = []
        for one in studio.held.report():
            named = asked["name"] == one.name
            chosen = asked["kind"] in (None, one.kind) and (named or asked["name"] is None)
            if chosen and (named or not one.in_use) and studio.held.drop((one.kind, one.name)):
                unloaded.append({"kind": one.kind, "name": one.name})
        return Done(content=b"", facts=json.dumps(memory.told(studio) | {"unloaded": unloaded}))


tool = Unload()
