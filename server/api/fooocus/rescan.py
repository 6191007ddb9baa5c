"""`POST /v1/engines/rescan`: look for models that were put there or taken away."""

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel

from server.parts import TheParts

router = APIRouter(tags=["FooocusAPI"])


class Rescan(BaseModel):
    """Names by folder ("checkpoints", "loras", …). found: all that is there.

    new, changed, gone: since the server was started, or since the last rescan. forgotten: how many kept hashes were of
    files that are not there any more as they were.
    """

    found: dict[str, list[str]]
    new: dict[str, list[str]]
    changed: dict[str, list[str]]
    gone: dict[str, list[str]]
    forgotten: int


@router.post("/v1/engines/rescan")
async def rescan(parts: TheParts) -> Rescan:
    """Look through the model folders, and forget what was kept of files that have changed.

    Nothing needs it: names are read from the folders whenever they are asked for. It tells what has come.
    """
    news = await asyncio.to_thread(parts.shelves.look)
    forgotten = await asyncio.to_thread(parts.hashes.forget_changed)
    return Rescan(
        found=dict(news.found),
        new=dict(news.new),
        changed=dict(news.changed),
        gone=dict(news.gone),
        forgotten=forgotten,
    )
