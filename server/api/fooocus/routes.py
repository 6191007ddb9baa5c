"""The routes of FooocusAPI, and what happens in each, step by step."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from pipelines import planning, styles
from server import webhooks
from server.accept import FORMATS, bytes_wanted
from server.api.fooocus import dispatch, later
from server.api.fooocus.label import Label
from server.api.fooocus.reply import Record, answer, pending, picture
from server.api.fooocus.request import GenerateRequest
from server.api.fooocus.stream import stream
from server.errors import REFUSALS, NotReady
from server.parts import Parts, TheParts
from server.proxy import base_url
from server.tasks import Order

router = APIRouter(tags=["FooocusAPI"])

GENERATE: dict[str, Any] = {
    "response_model_exclude_none": True,
    "responses": REFUSALS | {200: {"content": {f"image/{form}": {} for form in FORMATS}}},
}


@router.post("/v1/engine/generate/", response_model=Record, **GENERATE)
@router.post("/v1/engine/generate", response_model=Record, include_in_schema=False, **GENERATE)
async def generate(asked: GenerateRequest, parts: TheParts, request: Request, response: Response) -> Record | Response:
    """Make pictures from words, or paint a part of one anew (inpaint), or continue it beyond its sides (outpaint).

    With an `Accept` of pictures only, one picture is made, and it is the answer. Else `stream_output` gives server-sent
    events, and `async_process` the task's id at once, to be asked for at `/tasks/{task_id}`.
    """
    bytes_form = bytes_wanted(request.headers.get("accept"))
    if bytes_form:
        asked = asked.model_copy(update={"image_number": 1, "output_format": bytes_form})
    _refuse_if_broken(parts)
    later.refuse(asked)
    name = dispatch.save_name(asked)
    webhook_url = await webhooks.address(asked.webhook_url, parts.settings, parts.guard)
    with dispatch.wire_names():
        pictures = await dispatch.images(asked, parts.inputs)
        task = dispatch.task(asked, pictures, parts.settings)
        plan = await asyncio.to_thread(planning.resolve, task, parts.settings)
    label = None
    if asked.save_metadata_to_images and not parts.settings.disable_metadata:
        label = Label(asked=asked, pictures=pictures, plan=plan, settings=parts.settings, hashes=parts.hashes)
        asyncio.get_running_loop().run_in_executor(None, label.checkpoint_digest)  # the first picture need not wait
    order = Order(
        plan=plan,
        asked=dispatch.shown(asked, pictures, base_url(parts.settings)),
        form="jpeg" if asked.output_format == "jpg" else asked.output_format,
        save_name=name,
        label=label,
        grid=asked.generate_image_grid,
        warnings=tuple(later.warnings(asked)),
        webhook_url=webhook_url,
        base_url=base_url(parts.settings),
        previews=not asked.disable_preview,
    )
    task_id = await parts.tasks.submit(order)
    if asked.stream_output and not bytes_form:
        return stream(task_id, parts)
    if asked.async_process and not bytes_form:
        return JSONResponse(await pending(task_id, order, parts), headers={"X-Task-Id": task_id})
    row = await parts.tasks.ended(task_id)
    response.headers["X-Task-Id"] = task_id
    return await picture(row, parts) if bytes_form else await answer(row, parts)


@router.get("/v1/engines/styles")
async def engine_styles(parts: TheParts) -> list[str]:
    """The names that `style_selections` takes: Fooocus's 279, after a user's own."""
    return list(await asyncio.to_thread(styles.load, planning.user_folder(parts.settings)))


def _refuse_if_broken(parts: Parts) -> None:
    """While the models are being loaded a request waits; when they cannot be loaded it would wait for ever."""
    readiness = parts.backend.readiness()
    if readiness.state == "broken":
        raise NotReady(readiness.reason)
