"""Work for `pipelines.tools`, from a route to the worker and back."""

import uuid

from pipelines.events import Failed, ToolDone
from pipelines.tools import ToolWork
from server.backends import Backend
from server.errors import NotReady, told


async def use(tool: str, plan_json: str, backend: Backend, *, at: int | None = None) -> ToolDone:
    """What a tool makes of its plan; waits while models are being loaded, and for at most a few denoising steps.

    at: the number of the backend's place, None for where that is best. Raises NotReady when they cannot be loaded, and
    what the tool raised (WorkFailed for what no caller can act on).
    """
    readiness = backend.readiness()
    if readiness.state == "broken":
        raise NotReady(readiness.reason)
    done: ToolDone | None = None
    async for event in backend.run(uuid.uuid4().hex, ToolWork(tool=tool, plan_json=plan_json), at=at):
        if isinstance(event, Failed):
            raise told(event)
        if isinstance(event, ToolDone):
            done = event
    assert done
    return done
