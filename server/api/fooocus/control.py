"""Stop and skip: what a client can say about a task that is being worked on (contract 13)."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from pipelines.orders import Action
from server.api.fooocus.tasks import UNKNOWN
from server.errors import NotFound
from server.parts import TheParts

router = APIRouter(tags=["FooocusAPI"])

# FooocusAPI's words, letter by letter: its clients compare them.
DONE: dict[Action, str] = {"stop": "task stoped", "skip": "task skiped"}
IDLE = "No task running"
UNKNOWN_ACTION = "Invalid control action"

ACTION = Query(description="stop: end the task; skip: leave out the image it is at")
TASK = Query(description="ours: which task; by default the oldest that runs")


class Told(BaseModel):
    """What was done; `task_id`: with which task."""

    message: str
    task_id: str | None = None


@router.post("/v1/engine/control", response_model_exclude_none=True, responses=UNKNOWN)
async def control(parts: TheParts, action: Annotated[str, ACTION], task_id: Annotated[str | None, TASK] = None) -> Told:
    """Stop the task that runs, or skip the image it is at, before its next denoising step.

    Pictures that are finished are kept. A stopped task ends as "stop", one with skipped images as "finished".
    """
    chosen = next((known for known in DONE if known == action), None)
    if chosen is None:
        return Told(message=UNKNOWN_ACTION)
    if task_id and await asyncio.to_thread(parts.store.task, task_id) is None:
        raise NotFound(f"There is no task {task_id[:80]!r}.")
    found = await parts.tasks.control(chosen, task_id)
    return Told(message=DONE[chosen], task_id=found) if found else Told(message=IDLE)
