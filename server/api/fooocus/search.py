"""`GET /v1/outputs/search`: pictures by what made them, from the database."""

import asyncio
import pkgutil
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, Field

from masking.errors import InvalidValue
from pipelines import tasks
from server import paths
from server.parts import Parts, TheParts
from server.proxy import base_url
from server.search import Search, words
from server.store import FoundPicture

router = APIRouter(tags=["Files"])

MOST_PER_PAGE = 200
Empty = BeforeValidator(lambda value: None if value == "" else value)
Words = Annotated[str, Query(description="each word must be in it: prompts, model, styles, save name; or its seed")]
Date = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Day = Annotated[Date | None, Empty, Query(description="2026-11-21")]
Kind = Annotated[str | None, Empty, Query(description="text_to_image, inpaint, vary, upscale")]
Page = Annotated[int, Query(ge=1, le=10**6)]


class Found(BaseModel):
    """A picture. seed: its own. kind: of task. made_at: milliseconds since 1970. model: the checkpoint."""

    url: str
    thumbnail: str
    task_id: str
    day: str
    file: str
    kind: str
    prompt: str
    negative_prompt: str
    model: str
    seed: int
    width: int
    height: int
    save_name: str | None
    made_at: int


class FoundPage(BaseModel):
    """total: how many there are on all pages."""

    total: int
    page: int
    page_size: int
    pictures: list[Found]


@router.get("/v1/outputs/search")
async def search(
    parts: TheParts,
    q: Words = "",
    day: Day = None,
    kind: Kind = None,
    page: Page = 1,
    page_size: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 50,
) -> FoundPage:
    """Pictures that have every word of `q`, newest first; those whose file is gone are left out of their page."""
    wanted = asked(q, day, kind)
    total, found = await asyncio.to_thread(find, wanted, page, page_size, parts)
    pictures = [_told(picture, parts) for picture in found]
    return FoundPage(total=total, page=page, page_size=page_size, pictures=pictures)


def asked(q: str, day: str | None, kind: str | None) -> Search:
    """Raises InvalidValue for a kind that no task is of."""
    known = kinds()
    if kind is not None and kind not in known:
        raise InvalidValue(f"There is no kind {kind[:80]!r}; there are {', '.join(known)}.", field="kind")
    return Search(words=words(q), day=day, kind=kind)


def kinds() -> list[str]:
    """The kinds of tasks that make pictures."""
    return sorted(module.name for module in pkgutil.iter_modules(tasks.__path__))


def find(wanted: Search, page: int, page_size: int, parts: Parts) -> tuple[int, list[FoundPicture]]:
    """How many there are, and those of a page (from 1) whose files are there. Blocks."""
    root = parts.outputs.folder
    found = parts.store.find_pictures(wanted, skip=(page - 1) * page_size, limit=page_size)
    there = [one for one in found if paths.picture_file(root / one.picture.day, root, one.picture.file)]
    return parts.store.count_pictures(wanted), there


def _told(found: FoundPicture, parts: Parts) -> Found:
    row, base = found.picture, base_url(parts.settings)
    return Found(
        url=parts.access.opened(f"{base}/outputs/{row.day}/{row.file}"),
        thumbnail=f"{base}/thumbnails/{row.day}/{row.file}",
        task_id=row.task_id,
        day=row.day,
        file=row.file,
        kind=row.kind,
        prompt=row.prompt,
        negative_prompt=found.effective.get("negative_prompt", ""),
        model=found.effective.get("checkpoint", ""),
        seed=row.seed,
        width=row.width,
        height=row.height,
        save_name=found.save_name,
        made_at=found.made_at,
    )
