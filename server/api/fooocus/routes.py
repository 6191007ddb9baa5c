"""The routes of FooocusAPI, and what happens in each, step by step."""

import asyncio
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from pipelines import planning, styles
from server import expanding, request_keys, webhooks
from server.accept import FORMATS, bytes_wanted
from server.api.fooocus import dispatch, later, mask_words, orders
from server.api.fooocus.reply import Record, answer, pending, picture, records
from server.api.fooocus.request import GenerateRequest
from server.api.fooocus.stream import stream
from server.errors import REFUSALS, NotFound, NotReady
from server.outputs import Format
from server.parts import Parts, TheParts
from server.request_keys import RequestKey
from server.store import KeyTaken

router = APIRouter(tags=["FooocusAPI"])

GENERATE: dict[str, Any] = {
    "response_model_exclude_none": True,
    "responses": REFUSALS | {200: {"content": {f"image/{form}": {} for form in FORMATS}}},
}


@router.post("/v1/engine/generate/", response_model=Record, **GENERATE)
async def generate(
    asked: GenerateRequest,
    parts: TheParts,
    request: Request,
    response: Response,
    idempotency_key: Annotated[str | None, Header(description="the same key is the same task, for a day")] = None,
) -> Record | Response:
    """Make pictures from words, or paint a part of one anew (inpaint), or continue it beyond its sides (outpaint).

    With an `Accept` of pictures only, one picture is made, and it is the answer. Else `stream_output` gives server-sent
    events, and `async_process` the task's id at once, to be asked for at `/tasks/{task_id}`.
    """
    bytes_form = bytes_wanted(request.headers.get("accept"))
    key = request_keys.read(request.headers, asked, request.state.caller)
    if key and (known := await _known(key, parts)):
        return await _sent_again(known, asked, parts, response, bytes_form)
    if bytes_form:
        asked = asked.model_copy(update={"image_number": 1, "output_format": bytes_form})
    _refuse_if_broken(parts)
    parts.tasks.refuse_if_full()
    later.refuse(asked)
    dispatch.save_name(asked)
    webhook_url = await webhooks.address(asked.webhook_url, parts.settings, parts.guard)
    with dispatch.wire_names():
        pictures = await dispatch.images(asked, parts.inputs)
        told = await mask_words.add_mask(pictures, asked, parts)
        task = dispatch.task(asked, pictures, parts.settings)
        expand = expanding.expand_by(parts.settings, parts.backend)
        plan = await asyncio.to_thread(planning.resolve, task, parts.settings, expand, parts.backend.memory)
    order = orders.order(
        asked,
        pictures,
        plan,
        settings=parts.settings,
        hashes=parts.hashes,
        webhook_url=webhook_url,
        owner=request.state.caller,
    )
    order = replace(order, warnings=(*order.warnings, *told))
    waits = bytes_form or not (asked.stream_output or asked.async_process)
    try:
        task_id = await parts.tasks.submit(order, key, waits=bool(waits))
    except KeyTaken:  # the same request came twice at the same time
        assert key
        known = await _known(key, parts)
        return await _sent_again(str(known), asked, parts, response, bytes_form)
    if asked.cancel_on_disconnect and (waits or asked.stream_output):
        parts.tasks.cancel_when(task_id, _left(request))
    if asked.stream_output and not bytes_form:
        return stream(task_id, parts)
    if not waits:
        return JSONResponse(await pending(task_id, order, parts), headers={"X-Task-Id": task_id})
    return await _ended(task_id, parts, response, bytes_form)


@router.get("/v1/engines/styles")
async def engine_styles(parts: TheParts) -> list[str]:
    """The names that `style_selections` takes: Fooocus's 279, after a user's own."""
    return list(await asyncio.to_thread(styles.load, planning.user_folder(parts.settings)))


async def _ended(task_id: str, parts: Parts, response: Response, bytes_form: Format | None) -> Record | Response:
    """The answer to who waits for the end."""
    row = await parts.tasks.ended(task_id)
    response.headers["X-Task-Id"] = task_id
    return await picture(row, parts) if bytes_form else await answer(row, parts)


async def _known(key: RequestKey, parts: Parts) -> str | None:
    """The task that has a request's key. Raises InvalidValue where its body was another."""
    row = await asyncio.to_thread(parts.store.keyed, key)
    if row:
        request_keys.refuse_another_body(key, row.digest)
    return row.task_id if row else None


async def _sent_again(
    task_id: str, asked: GenerateRequest, parts: Parts, response: Response, bytes_form: Format | None
) -> Record | Response:
    """The answer to a request that is a task already, in the form that it asks for. Raises NotFound."""
    if asked.stream_output and not bytes_form:
        return stream(task_id, parts)
    if not asked.async_process or bytes_form:
        return await _ended(task_id, parts, response, bytes_form)
    row = await asyncio.to_thread(parts.store.task, task_id)
    if row is None:
        raise NotFound(f"Task {task_id}, which this Idempotency-Key was given to, has been deleted.")
    response.headers["X-Task-Id"] = task_id
    return (await records([row], parts))[0]


async def _left(request: Request) -> None:
    """Returns when the client is gone, or has its answer."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refuse_if_broken(parts: Parts) -> None:
    """While the models are being loaded a request waits; when they cannot be loaded it would wait for ever."""
    readiness = parts.backend.readiness()
    if readiness.state == "broken":
        raise NotReady(readiness.reason)
