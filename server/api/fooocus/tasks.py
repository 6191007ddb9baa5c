"""The routes of tasks: to look at, to call off, to delete, to follow."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from server.api.fooocus.reply import Record, record, records
from server.api.fooocus.stream import stream
from server.errors import Conflict, NotFound
from server.parts import Parts, TheParts
from server.removal import remove
from server.store import OPEN, TaskRow

router = APIRouter(tags=["Tasks"])

MOST_PER_PAGE = 1000

UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such task."}}
WRONG_STATE: dict[int | str, dict[str, Any]] = UNKNOWN | {409: {"description": "The task's state does not allow it."}}


def _milliseconds(when: datetime) -> int:
    """Milliseconds since 1970; a time without a zone is this machine's own."""
    try:
        return int(when.timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError("the year is out of range") from error


Empty = BeforeValidator(lambda value: None if value == "" else value)
Time = Annotated[datetime, AfterValidator(_milliseconds)]


class TaskQuery(BaseModel):
    """Which tasks. With `start_at` or `end_at` (ISO 8601) all that were sent in between, else a page of the newest."""

    query: Literal["all", "history", "current", "pending"] = "all"
    page: Annotated[int, Field(ge=0, le=2**31, description="counts from 0")] = 0
    page_size: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] = 10
    start_at: Annotated[Time | None, Empty] = None
    end_at: Annotated[Time | None, Empty] = None
    action: Annotated[
        Literal["delete"] | None, Empty, Field(description="deletes what ended; needs start_at and end_at")
    ] = None

    @model_validator(mode="after")
    def _delete_says_what(self) -> Self:
        if self.action and (self.start_at is None or self.end_at is None):
            raise ValueError("action=delete needs start_at and end_at")
        return self

    @property
    def times(self) -> dict[str, Any]:
        """As the store takes them."""
        return {"since": self.start_at, "until": self.end_at}


class TaskLists(BaseModel):
    """What has ended, newest first; what runs; what waits, in the order of its turn."""

    history: list[Record]
    current: list[Record]
    pending: list[Record]


@router.get("/tasks", response_model_exclude_none=True)
async def tasks(asked: Annotated[TaskQuery, Query()], parts: TheParts, response: Response) -> TaskLists | None:
    """Lists of tasks; the header `X-Total-Count` tells how many `history` has in all.

    `action=delete` is there for FooocusAPI's clients: it deletes the ended tasks that were sent between `start_at` and
    `end_at`, with their pictures, and answers null. `DELETE /tasks/{task_id}` is the better way.
    """
    if asked.action == "delete":
        await asyncio.to_thread(_remove_all, asked, parts)
        return None
    rows = await asyncio.to_thread(parts.store.open_tasks) if asked.query != "history" else []
    current = [row for row in rows if row.status == "running" and asked.query != "pending"]
    waiting = [row for row in rows if row.status == "waiting" and asked.query != "current"]
    ended: list[TaskRow] = []
    if asked.query in ("all", "history"):
        ended = await asyncio.to_thread(_history, asked, parts)
        response.headers["X-Total-Count"] = str(await asyncio.to_thread(parts.store.count_ended, **asked.times))
    pending = await records(waiting, parts)
    return TaskLists(
        history=[record(row, parts) for row in ended],
        current=[record(row, parts) for row in current],
        pending=sorted(pending, key=lambda one: one.queue_position or 0),
    )


@router.get("/tasks/{task_id}", responses=UNKNOWN, response_model_exclude_none=True)
async def task(task_id: str, parts: TheParts) -> Record:
    """One task's record: how far it is, what came of it."""
    return await _told(task_id, parts)


@router.delete("/tasks/{task_id}", responses=WRONG_STATE, status_code=204)
async def delete_task(task_id: str, parts: TheParts) -> None:
    """Delete a task that has ended, with its pictures."""
    row = await _row(task_id, parts)
    if row.status in OPEN:
        raise Conflict(
            f"Task {task_id} has not ended: cancel it first, with POST /tasks/{task_id}/cancel.", field="task_id"
        )
    await asyncio.to_thread(remove, row, parts)


@router.post("/tasks/{task_id}/cancel", responses=WRONG_STATE, response_model_exclude_none=True)
async def cancel_task(task_id: str, parts: TheParts) -> Record:
    """Call off a task that waits or runs. Pictures that are finished are kept."""
    row = await _row(task_id, parts)
    if row.status not in OPEN or not await parts.tasks.cancel(task_id):
        raise Conflict(f"Task {task_id} has ended already; there is nothing to cancel.", field="task_id")
    return await _told(task_id, parts)


@router.get("/tasks/{task_id}/events", responses=UNKNOWN)
async def task_events(task_id: str, parts: TheParts, request: Request) -> Response:
    """A task as server-sent events, from its beginning or from after the `Last-Event-ID`, to its end."""
    await _row(task_id, parts)
    return stream(task_id, parts, request.headers.get("last-event-id"))


async def _row(task_id: str, parts: Parts) -> TaskRow:
    row = await asyncio.to_thread(parts.store.task, task_id)
    if row is None:
        raise NotFound(f"There is no task {task_id[:80]!r}.")
    return row


async def _told(task_id: str, parts: Parts) -> Record:
    return (await records([await _row(task_id, parts)], parts))[0]


def _history(asked: TaskQuery, parts: Parts) -> list[TaskRow]:
    if asked.start_at is not None or asked.end_at is not None:
        return parts.store.ended_tasks(**asked.times)
    return parts.store.ended_tasks(skip=asked.page * asked.page_size, limit=asked.page_size)


def _remove_all(asked: TaskQuery, parts: Parts) -> None:
    for row in parts.store.ended_tasks(**asked.times):
        remove(row, parts)
