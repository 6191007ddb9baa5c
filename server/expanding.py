"""What "Fooocus V2" makes of prompts: by the GPT-2 that is installed, at work in the worker, or by our word lists."""

import asyncio
import json
from collections.abc import Sequence

from configs.settings import Settings
from pipelines import expander
from pipelines.expansion import Expand, expand_all
from server import tools
from server.backends import Backend


def expand_by(settings: Settings, backend: Backend) -> Expand:
    """For use in another thread than the event loop, which this is called in. What it returns raises as `tools.use`."""
    loop = asyncio.get_running_loop()

    def expand(prompts: Sequence[tuple[str, int]]) -> Sequence[str]:
        if expander.installed(settings) is None:
            return expand_all(prompts)
        asked = tools.use("expand", json.dumps(prompts), backend)
        said: list[str] = json.loads(asyncio.run_coroutine_threadsafe(asked, loop).result().facts)
        return said

    return expand
