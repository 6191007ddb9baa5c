"""`/v1/engines/memory`, `/load` and `/unload`: what lies where in memory, and what shall."""

import json
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from pipelines.loading import Kind
from server.errors import REFUSALS, NotReady
from server.parts import Parts, TheParts
from server.tools import use

router = APIRouter(tags=["Gesso"])

IN_USE: dict[int | str, dict[str, Any]] = {409: {"description": "A task that runs needs it."}}


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


class MemoryReport(BaseModel):
    """Amounts in bytes. limit: `--vram-limit`; used: by models on the device; free, total: of the device."""

    device: str
    vram: str
    limit: int
    used: int
    free: int
    total: int
    main_free: int
    main_total: int
    models: list[LoadedModel]


class Named(BaseModel):
    kind: str
    name: str


class Unloaded(MemoryReport):
    unloaded: list[Named]


class LoadRequest(BaseModel):
    kind: Kind
    name: Annotated[str, Field(max_length=500, description="as requests name it")]


class UnloadRequest(BaseModel):
    """One model, all of a kind, or everything that no task needs."""

    kind: Kind | None = None
    name: Annotated[str | None, Field(max_length=500)] = None


@router.get("/v1/engines/memory", responses=REFUSALS)
async def memory(parts: TheParts) -> MemoryReport:
    """What lies where. While a task runs it is told between two of its steps; 503 while models are being loaded."""
    return MemoryReport.model_validate(await _used("memory", {}, parts))


@router.post("/v1/engines/load", responses=REFUSALS)
async def load(asked: LoadRequest, parts: TheParts) -> MemoryReport:
    """Load a model now, so that the request that wants it need not wait. Others may leave for it."""
    return MemoryReport.model_validate(await _used("load", asked.model_dump(), parts))


@router.post("/v1/engines/unload", responses=REFUSALS | IN_USE)
async def unload(parts: TheParts, asked: UnloadRequest | None = None) -> Unloaded:
    """Let go of models; what is not loaded is no error. One that is named and that a task needs is a 409."""
    return Unloaded.model_validate(await _used("unload", (asked or UnloadRequest()).model_dump(), parts))


async def _used(tool: str, asked: dict[str, Any], parts: Parts) -> Any:
    """The facts that a tool tells. Raises NotReady while models are being loaded: it could not tell before."""
    readiness = parts.backend.readiness()
    if readiness.state != "ready":
        raise NotReady(readiness.reason)
    return json.loads((await use(tool, json.dumps(asked), parts.backend)).facts)
