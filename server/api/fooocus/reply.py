"""From a task's row to the record that clients read."""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import Response
from pydantic import BaseModel

from configs.settings import Settings, public_url
from pipelines.events import Failed
from server import paths
from server.access import Access
from server.api.fooocus.headers import headers
from server.errors import TaskFailed, WorkFailed, told
from server.order import Order
from server.parts import Parts
from server.proxy import base_url
from server.store import TaskRow
from server.waiting import estimates

WIRE_STATUS = {
    "waiting": "pending",
    "running": "running",
    "finished": "finished",
    "failed": "failed",
    "stopped": "stop",
}

JUDGED_BY = 20
"""As many of the newest ended tasks tell how fast the next ones will be."""


class Record(BaseModel):
    """A task as clients see it. Times are milliseconds since 1970, -1 where there is none yet.

    Only while it waits: queue_position (0 = the next to run), estimated_wait_mills (milliseconds until it begins, -1
    while that cannot be told). Only until it ends: preview (PNG in base64, or empty). Only of an edit: edit_report, in
    the order of the pictures, None for a grid.
    """

    id: int
    task_id: str
    req_params: dict[str, Any]
    in_queue_mills: int
    start_mills: int
    finish_mills: int
    task_status: str
    progress: int
    webhook_url: str
    result: list[str]
    result_seeds: list[int]
    warnings: list[str]
    effective_params: dict[str, Any]
    edit_report: list[dict[str, Any] | None] | None = None
    preview: str | None = None
    queue_position: int | None = None
    estimated_wait_mills: int | None = None
    result_base64: list[str] | None = None
    error: str | None = None


def record(row: TaskRow, parts: Parts) -> Record:
    """The record of a task, without its wait; `result` and `result_seeds` are in the order of the pictures."""
    told = _record(row, base_url(parts.settings))
    told.result = parts.access.opened(told.result)
    told.req_params = parts.access.opened(told.req_params)
    if row.finished_at is None:
        told.progress = parts.tasks.courses.progress(row.task_id)
        told.preview = base64.b64encode(parts.tasks.courses.preview(row.task_id) or b"").decode()
    return told


async def records(rows: Sequence[TaskRow], parts: Parts) -> list[Record]:
    """The records of tasks; those that wait say for how long."""
    told = [record(row, parts) for row in rows]
    if any(row.status == "waiting" for row in rows):
        waits = await _waits(parts)
        for one in told:
            if one.task_status == "pending":
                one.queue_position, one.estimated_wait_mills = waits.get(one.task_id, (0, 0))
    return told


def webhook_body(row: TaskRow, settings: Settings) -> str:
    """What the webhook of an ended task is sent: its record; with `--webhook-legacy` as JSON text within JSON."""
    text = _record(row, row.base_url or public_url(settings)).model_dump_json(exclude_none=True)
    return json.dumps(text) if settings.webhook_legacy else text


def opened(message: str, access: Access) -> str:
    """A webhook's message with links that open without a key for a while, counted from now."""
    if not access.needed:
        return message
    told = json.loads(message)
    return json.dumps(opened(told, access) if isinstance(told, str) else access.opened(told))


async def pending(task_id: str, order: Order, parts: Parts) -> dict[str, Any]:
    """What a client that does not wait gets at once (contract 3.4), with our own fields."""
    times = dict.fromkeys(("in_queue_mills", "start_mills", "finish_mills"), -1)
    position, wait = (await _waits(parts)).get(task_id, (0, 0))
    return {
        "id": -1,
        "task_id": task_id,
        "req_params": {},
        **times,
        "task_status": "pending",
        "progress": -1,
        "preview": "",
        "webhook_url": order.webhook_url or "",
        "result": [],
        "queue_position": position,
        "estimated_wait_mills": wait,
        "warnings": [*order.warnings, *order.plan.warnings],
        "effective_params": order.plan.effective,
    }


async def picture(row: TaskRow, parts: Parts) -> Response:
    """The task's one picture itself; 204 where there is none. Raises TaskFailed."""
    if row.status == "failed":
        raise _failed(row)
    told = {"X-Task-Id": row.task_id} | headers(row.warnings, row.effective)
    if row.pictures and row.pictures[0].report:
        told["X-Gesso-Edit-Report"] = json.dumps(row.pictures[0].report)
    files = await asyncio.to_thread(_files, row, parts)
    if not files:
        return Response(status_code=204, headers=told)
    return Response(files[0], media_type=f"image/{row.form}", headers=told)


async def answer(row: TaskRow, parts: Parts) -> Record:
    """The answer to who waited for the task. Raises TaskFailed."""
    if row.status == "failed":
        raise _failed(row)
    told = record(row, parts)
    if row.asked.get("require_base64"):
        files = await asyncio.to_thread(_files, row, parts)
        told.result_base64 = [base64.b64encode(content).decode() for content in files]
    return told


def _failed(row: TaskRow) -> TaskFailed:
    """With the status of its cause, say of a model's damaged file."""
    because = told(Failed(kind=row.cause, message=row.error or "", field=row.cause_field))
    known = not isinstance(because, WorkFailed)
    return TaskFailed(row.error or "The task failed.", task_id=row.task_id, because=because if known else None)


def _files(row: TaskRow, parts: Parts) -> list[bytes]:
    """What lies in the files of a task's pictures."""
    root = parts.outputs.folder
    found = (paths.picture_file(root / kept.day, root, kept.file) for kept in row.pictures)
    return [path.read_bytes() for path in found if path]


def _record(row: TaskRow, base: str) -> Record:
    """What the store knows of a task; its URLs begin with `base`."""
    reports = [picture.report for picture in row.pictures]
    return Record(
        id=row.id,
        task_id=row.task_id,
        req_params=row.asked | {"image_seed": row.effective["seeds"][0]},
        in_queue_mills=row.queued_at,
        start_mills=row.started_at or -1,
        finish_mills=row.finished_at or -1,
        task_status=WIRE_STATUS[row.status],
        progress=0 if row.finished_at is None else 100,
        webhook_url=row.webhook_url or "",
        result=[f"{base}/outputs/{picture.day}/{quote(picture.file)}" for picture in row.pictures],
        result_seeds=[picture.seed for picture in row.pictures],
        warnings=row.warnings,
        effective_params=row.effective,
        edit_report=reports if any(reports) else None,
        error=row.error,
    )


async def _waits(parts: Parts) -> dict[str, tuple[int, int]]:
    """Position and estimated wait (ms) of every task that waits, by its id."""
    open_tasks = await asyncio.to_thread(parts.store.open_tasks)
    ended = await asyncio.to_thread(parts.store.ended_tasks, limit=JUDGED_BY)
    turns = {row.task_id: parts.tasks.position(row.task_id) for row in open_tasks}
    in_turn = sorted(open_tasks, key=lambda row: (turns[row.task_id] is not None, turns[row.task_id] or 0))
    waits = estimates(in_turn, ended, parts.tasks.courses.progress)
    return {task_id: (turns[task_id] or 0, wait) for task_id, wait in waits.items()}
