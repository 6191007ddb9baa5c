"""What a preset needs, fetched: begun, looked at, followed and called off."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from pipelines import needs
from server import transfer
from server.downloads import Download, State
from server.errors import Conflict, NotFound
from server.parts import Parts, TheParts

router = APIRouter(tags=["Downloads"])

PING_S = 15
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such download."}}
NOWHERE: dict[int | str, dict[str, Any]] = {424: {"description": "Nobody tells where one of the files is to be had."}}
FAILED: dict[int | str, dict[str, Any]] = {502: {"description": "A site cannot be reached, or has not got the file."}}


class DownloadedFile(BaseModel):
    """folder: below the models folder. total: null until its site has told it."""

    folder: str
    name: str
    url: str
    bytes: int
    total: int | None
    state: State


class DownloadRecord(BaseModel):
    """bytes are there (those of an earlier attempt, too) of total; null where that is not known. speed: bytes a second.

    error: only where it failed, why, and which file to put where by hand.
    """

    id: str
    preset: str
    state: State
    bytes: int
    total: int | None
    speed: int
    files: list[DownloadedFile]
    error: str | None = None


class DownloadPlan(BaseModel):
    """What is missing; total: bytes in all, null where a site does not say. free: bytes that the disk has room for."""

    preset: str
    total: int | None
    bytes: Annotated[int, Field(description="are there already, from an earlier attempt")]
    free: int
    files: list[DownloadedFile]


@router.get("/v1/engines/presets/{name}/download", responses=NOWHERE | FAILED)
async def plan(name: str, parts: TheParts) -> DownloadPlan:
    """What would be fetched for a preset, with sizes asked of each site. Nothing is fetched."""
    needed = await asyncio.to_thread(needs.of_preset, name, parts.settings)
    download = Download(name, needed, parts.settings)
    async with await asyncio.to_thread(transfer.client) as http:
        await download.measure(http)
    told = _record(download)
    return DownloadPlan(preset=name, total=told.total, bytes=told.bytes, free=download.free(), files=told.files)


@router.post("/v1/engines/presets/{name}/download", status_code=202, responses=NOWHERE)
async def begin(name: str, parts: TheParts) -> DownloadRecord:
    """Fetch what a preset needs and is missing. One that is being fetched already is not begun again."""
    needed = await asyncio.to_thread(needs.of_preset, name, parts.settings)
    return _record(parts.downloads.begin(name, needed))


@router.get("/v1/engines/downloads")
async def downloads(parts: TheParts) -> list[DownloadRecord]:
    """Every download since the server was started, the newest last."""
    return [_record(download) for download in parts.downloads.all()]


@router.get("/v1/engines/downloads/{download_id}", responses=UNKNOWN)
async def download(download_id: str, parts: TheParts) -> DownloadRecord:
    """How far one is."""
    return _record(_found(download_id, parts))


@router.get("/v1/engines/downloads/{download_id}/events", responses=UNKNOWN)
async def events(download_id: str, parts: TheParts) -> StreamingResponse:
    """Its record as server-sent events: now, after each change (four a second at most), and at its end."""
    return StreamingResponse(_events(_found(download_id, parts)), media_type="text/event-stream", headers=HEADERS)


@router.delete(
    "/v1/engines/downloads/{download_id}",
    responses=UNKNOWN | {409: {"description": "It has ended already."}},
)
async def stop(download_id: str, parts: TheParts) -> DownloadRecord:
    """Call it off. What has come so far stays, and is gone on with when it is asked for again."""
    found = _found(download_id, parts)
    if not await parts.downloads.stop(found):
        raise Conflict(f"Download {download_id} has ended already.", field="download_id")
    return _record(found)


def _found(download_id: str, parts: Parts) -> Download:
    found = parts.downloads.get(download_id)
    if found is None:
        raise NotFound(f"There is no download {download_id[:80]!r}.")
    return found


async def _events(download: Download) -> AsyncIterator[str]:
    """A comment where nothing happens for a while, so that nobody takes the line for dead."""
    moments = aiter(download.follow())
    coming: asyncio.Task[None] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(moments))
            done, _ = await asyncio.wait([coming], timeout=PING_S)
            if not done:
                yield ": ping\n\n"
                continue
            if isinstance(coming.exception(), StopAsyncIteration):
                return
            coming = None
            yield f"data: {_record(download).model_dump_json()}\n\n"
    finally:
        if coming:
            coming.cancel()


def _record(download: Download) -> DownloadRecord:
    files = [
        DownloadedFile(
            folder=file.needed.folder,
            name=file.needed.name,
            url=file.needed.url,
            bytes=file.got,
            total=file.total,
            state=file.state,
        )
        for file in download.files
    ]
    return DownloadRecord(
        id=download.id,
        preset=download.name,
        state=download.state,
        bytes=download.got,
        total=download.total,
        speed=download.speed,
        files=files,
        error=download.error,
    )
