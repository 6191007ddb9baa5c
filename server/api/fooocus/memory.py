"""`/v1/engines/memory`, `/load` and `/unload`: what lies where in memory, and what shall."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from masking.errors import InvalidValue
from pipelines.loading import Kind
from server.errors import REFUSALS, NotReady
from server.parts import Parts, TheParts
from server.tools import use

router = APIRouter(tags=["Gesso"])

IN_USE: dict[int | str, dict[str, Any]] = {409: {"description": "A task that runs needs it."}}

WorkerNumber = Annotated[int, Field(description="of the worker process, from 0")]


class LoadedModel(BaseModel):
    """bytes: of all its tensors; on_device: of those that lie there now.

    place: "device"; "parts" or "layers" (there as they are needed); "main" (in main memory, to come back).
    """

    kind: str
    name: str
    bytes: int
    on_device: int
    place: str
    used_at: Annotated[int, Field(description="milliseconds since 1970")]
    in_use: Annotated[bool, Field(description="a task that runs needs it")]
    worker: WorkerNumber


class DeviceMemory(BaseModel):
    """Amounts in bytes. limit: `--vram-limit`; used: by models on the device; free, total: of the device."""

    device: str
    limit: int = 0
    used: int = 0
    free: int = 0
    total: int = 0
    models: list[LoadedModel] = []


class WorkerMemory(DeviceMemory):
    """status, reason: as `/readyz` tells them; of a worker that is not ready nothing else is known."""

    worker: WorkerNumber
    status: str
    reason: str


class MemoryReport(DeviceMemory):
    """Of all workers together."""

    vram: str
    main_free: int
    main_total: int
    workers: list[WorkerMemory]


class Named(BaseModel):
    kind: str
    name: str
    worker: WorkerNumber


class Unloaded(MemoryReport):
    unloaded: list[Named]


class LoadRequest(BaseModel):
    """worker: its number; null for all of them."""

    kind: Kind
    name: Annotated[str, Field(max_length=500, description="as requests name it")]
    worker: int | None = None


class UnloadRequest(BaseModel):
    """One model, all of a kind, or everything that no task needs. worker: its number; null for all of them."""

    kind: Kind | None = None
    name: Annotated[str | None, Field(max_length=500)] = None
    worker: int | None = None


@router.get("/v1/engines/memory", responses=REFUSALS)
async def memory(parts: TheParts) -> MemoryReport:
    """What lies where. While a task runs it is told between two of its steps; 503 while models are being loaded."""
    return MemoryReport.model_validate(await _used("memory", {}, None, parts))


@router.post("/v1/engines/load", responses=REFUSALS)
async def load(asked: LoadRequest, parts: TheParts) -> MemoryReport:
    """Load a model now, so that the request that wants it need not wait. Others may leave for it."""
    return MemoryReport.model_validate(await _used("load", asked.model_dump(), asked.worker, parts))


@router.post("/v1/engines/unload", responses=REFUSALS | IN_USE)
async def unload(parts: TheParts, asked: UnloadRequest | None = None) -> Unloaded:
    """Let go of models; what is not loaded is no error. One that is named and that a task needs is a 409."""
    asked = asked or UnloadRequest()
    return Unloaded.model_validate(await _used("unload", asked.model_dump(), asked.worker, parts))


async def _used(tool: str, asked: dict[str, Any], worker: int | None, parts: Parts) -> dict[str, Any]:
    """What lies where, after a tool was used at one worker or at all; told once it is done at all of these.

    Raises NotReady while models are being loaded: it could not tell before.
    """
    places = parts.backend.places()
    if worker is not None and not 0 <= worker < len(places):
        raise InvalidValue(f"worker is {worker}, and there are {len(places)}, from 0.", field="worker")
    ready = [number for number, place in enumerate(places) if place.readiness.state == "ready"]
    if not ready or (worker is not None and worker not in ready):
        raise NotReady((parts.backend.readiness() if worker is None else places[worker].readiness).reason)

    async def told(number: int) -> dict[str, Any]:
        its_tool = tool if worker in (None, number) else "memory"
        facts: dict[str, Any] = json.loads((await use(its_tool, json.dumps(asked), parts.backend, at=number)).facts)
        for named in (*facts["models"], *facts.get("unloaded", ())):
            named["worker"] = number
        return facts | {"device": places[number].device or facts["device"]}

    ends = await asyncio.gather(*(told(number) for number in ready), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    found = dict(zip(ready, (end for end in ends if isinstance(end, dict)), strict=True))
    workers = [
        found.get(number, {"device": place.device})
        | {"worker": number, "status": place.readiness.state, "reason": place.readiness.reason}
        for number, place in enumerate(places)
    ]
    return _together(list(found.values())) | {"workers": workers}


def _together(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sums; of a device that several workers share, its memory once."""
    devices = {each["device"]: each for each in told}
    return {
        **told[0],
        "device": ", ".join(devices),
        **{name: sum(each[name] for each in told) for name in ("limit", "used")},
        **{name: sum(each[name] for each in devices.values()) for name in ("free", "total")},
        "models": sorted((one for each in told for one in each["models"]), key=lambda one: -one["used_at"]),
        "unloaded": [one for each in told for one in each.get("unloaded", ())],
    }
