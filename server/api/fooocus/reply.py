"""From a task's row to the record that clients read."""

import asyncio
import base64
import json
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from configs.settings import public_url
from pipelines.plans import Plan
from server import paths
from server.errors import TaskFailed
from server.parts import Parts
from server.store import TaskRow
from server.tasks import Order

WIRE_STATUS = {
    "waiting": "pending",
    "running": "running",
    "finished": "finished",
    "failed": "failed",
    "stopped": "stop",
}


class Record(BaseModel):
    """A task as clients see it. Times are milliseconds since 1970, -1 where there is none yet."""

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
    result_base64: list[str] | None = None
    error: str | None = None


def record(row: TaskRow, parts: Parts) -> Record:
    """The record of a task; `result` and `result_seeds` are in the order of the pictures."""
    ended = row.finished_at is not None
    base = public_url(parts.settings)
    first_seed = Plan.from_json(row.plan).shots[0].seed
    return Record(
        id=row.id,
        task_id=row.task_id,
        req_params=row.asked | {"image_seed": first_seed},
        in_queue_mills=row.queued_at,
        start_mills=row.started_at or -1,
        finish_mills=row.finished_at or -1,
        task_status=WIRE_STATUS[row.status],
        progress=100 if ended else parts.tasks.progress(row.task_id),
        webhook_url=row.asked.get("webhook_url") or "",
        result=[f"{base}/outputs/{picture.day}/{picture.file}" for picture in row.pictures],
        result_seeds=[picture.seed for picture in row.pictures],
        warnings=row.warnings,
        effective_params=row.effective,
        error=row.error,
    )


def pending(task_id: str, order: Order) -> dict[str, Any]:
    """What a client that does not wait gets at once (contract 3.4), with our two fields."""
    times = dict.fromkeys(("in_queue_mills", "start_mills", "finish_mills"), -1)
    return {
        "id": -1,
        "task_id": task_id,
        "req_params": {},
        **times,
        "task_status": "pending",
        "progress": -1,
        "preview": "",
        "webhook_url": "",
        "result": [],
        "warnings": [*order.warnings, *order.plan.warnings],
        "effective_params": order.plan.effective,
    }


async def picture(row: TaskRow, parts: Parts) -> Response:
    """The task's one picture itself; 204 where there is none. Raises TaskFailed."""
    if row.status == "failed":
        raise TaskFailed(row.error or "The task failed.", task_id=row.task_id)
    told = {
        "X-Task-Id": row.task_id,
        "X-Gesso-Warnings": json.dumps(row.warnings),
        "X-Gesso-Effective-Params": json.dumps(row.effective),
    }
    files = await asyncio.to_thread(_files, row, parts)
    if not files:
        return Response(status_code=204, headers=told)
    return Response(files[0], media_type=f"image/{row.form}", headers=told)


async def answer(row: TaskRow, parts: Parts) -> Record:
    """The answer to who waited for the task. Raises TaskFailed."""
    if row.status == "failed":
        raise TaskFailed(row.error or "The task failed.", task_id=row.task_id)
    told = record(row, parts)
    if row.asked.get("require_base64"):
        files = await asyncio.to_thread(_files, row, parts)
        told.result_base64 = [base64.b64encode(content).decode() for content in files]
    return told


def _files(row: TaskRow, parts: Parts) -> list[bytes]:
    """What lies in the files of a task's pictures."""
    root = parts.outputs.folder
    found = (paths.picture_file(root / kept.day, root, kept.file) for kept in row.pictures)
    return [path.read_bytes() for path in found if path]
