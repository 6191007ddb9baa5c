"""From a task's row to the record that clients read."""

import asyncio
import base64
from typing import Any

from pydantic import BaseModel

from configs.settings import public_url
from pipelines.plans import Plan
from server import paths
from server.errors import TaskFailed
from server.parts import Parts
from server.store import TaskRow

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


async def answer(row: TaskRow, parts: Parts) -> Record:
    """The answer to who waited for the task. Raises TaskFailed."""
    if row.status == "failed":
        raise TaskFailed(row.error or "The task failed.", task_id=row.task_id)
    told = record(row, parts)
    if row.asked.get("require_base64"):
        told.result_base64 = await asyncio.to_thread(_pictures, row, parts)
    return told


def _pictures(row: TaskRow, parts: Parts) -> list[str]:
    """The files of a task as base64, without a data URL's head."""
    root = parts.outputs.folder
    found = (paths.picture_file(root / picture.day, root, picture.file) for picture in row.pictures)
    return [base64.b64encode(path.read_bytes()).decode() for path in found if path]
