"""A task as server-sent events, in FooocusAPI's form (contract 3.3) and with what it takes to resume them."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator

from fastapi.responses import Response, StreamingResponse

from server.api.fooocus.reply import record
from server.parts import Parts
from server.progress import Moment

PING_S = 15
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def stream(task_id: str, parts: Parts, last_event_id: str | None = None) -> Response:
    """The events of a task from the one after `last_event_id` ("<task>:<n>") on; without that, from the first.

    204 after the last one, upon which a browser's EventSource does not come again.
    """
    after, headers = _number(task_id, last_event_id), HEADERS | {"X-Task-Id": task_id}
    if parts.tasks.courses.is_over(task_id, after):
        return Response(status_code=204, headers=headers)
    parts.tasks.courses.watch(task_id)
    events = _events(task_id, parts, after)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def _number(task_id: str, last_event_id: str | None) -> int:
    task, _, number = (last_event_id or "").rpartition(":")
    return int(number) if task == task_id and number.isascii() and number.isdigit() else 0


async def _events(task_id: str, parts: Parts, after: int) -> AsyncIterator[str]:
    """Each moment's text; a comment where nothing happens for a while, so that nobody takes the line for dead."""
    moments = aiter(parts.tasks.courses.follow(task_id, after))
    coming: asyncio.Task[Moment] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(moments))
            done, _ = await asyncio.wait([coming], timeout=PING_S)
            if not done:
                yield ": ping\r\n\r\n"
                continue
            try:
                moment = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield await _text(task_id, moment, parts)
    finally:
        if coming:
            coming.cancel()


async def _text(task_id: str, moment: Moment, parts: Parts) -> str:
    preview = f"data:image/png;base64,{b64encode(moment.preview).decode()}" if moment.preview else None
    told: dict[str, object] = {"progress": moment.progress, "preview": preview, "message": moment.message, "images": []}
    kind = ""
    row = await asyncio.to_thread(parts.store.task, task_id) if moment.last else None
    if row:
        ended = record(row, parts)
        told |= {"images": ended.result, "warnings": ended.warnings, "effective_params": ended.effective_params}
        told["task_status"] = ended.task_status
        if row.status == "failed":
            kind = "event: error\r\n"
            told |= {"message": row.error, "error": row.error}
    # FooocusAPI's text ends with a line break of its own, hence the second, empty line of data.
    return f"id: {task_id}:{moment.number}\r\n{kind}data: {json.dumps(told)}\r\ndata: \r\n\r\n"
