"""Load a model (a JSON object with `kind` and `name`), so that whoever wants it need not wait; then what lies where."""

import json
from typing import TYPE_CHECKING

from pipelines import loading
from pipelines.tools import Done, memory

if TYPE_CHECKING:
    from pipelines.studio import Studio


class Load:
    def run(self, plan_json: str, studio: "Studio") -> Done:
        asked = json.loads(plan_json)
        loading.load(asked["kind"], asked["name"], studio)
        return Done(content=b"", facts=json.dumps(memory.told(studio)))


tool = Load()
