"""Prompts (a JSON list of pairs: prompt, seed) with what a GPT-2 adds to them (a JSON list of texts, in `facts`)."""

import json
from typing import TYPE_CHECKING

from masking.errors import BrokenModel
from pipelines import expander
from pipelines.tools import Done

if TYPE_CHECKING:
    from pipelines.studio import Studio


class Expand:
    def run(self, plan_json: str, studio: "Studio") -> Done:
        folder = expander.installed(studio.settings)
        if folder is None:
            raise BrokenModel("The GPT-2 in models/prompt_expansion is not there any more.", field=expander.FIELD)
        key = ("prompt_expansion", folder.name)
        with studio.held.using(key, lambda: expander.load(folder, studio.device), file=folder) as writer:
            said = [writer.expand(prompt, seed) for prompt, seed in json.loads(plan_json)]
        return Done(content=b"", facts=json.dumps(said))


tool = Expand()
