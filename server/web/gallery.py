"""The pages `/outputs/` and `/outputs/<date>/`: what was made, newest first. Plain HTML, no script."""

import asyncio
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from PIL import Image

from server import paths
from server.api.fooocus import search
from server.errors import NotFound
from server.parts import Parts, TheParts
from server.pictures import BROKEN
from server.store import PictureRow
from server.web.shell import html_page

router = APIRouter(tags=["Pages"], default_response_class=HTMLResponse)

PER_PAGE = 120
PER_STRIP = 8
NOTHING_FOUND = '<p class="empty">No picture has all of these.</p>'


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One picture on a page; what is not known of it is None."""

    file: str
    prompt: str | None
    seed: int | None
    size: tuple[int, int] | None


@router.get("/outputs", include_in_schema=False)
async def without_slash() -> RedirectResponse:
    """Links on the page are relative to the folder, and so is this way there: it holds behind any proxy."""
    return RedirectResponse("outputs/", status_code=307)


@router.get("/outputs/")
async def days(
    parts: TheParts, q: search.Words = "", kind: search.Kind = None, day: search.Day = None, page: search.Page = 1
) -> HTMLResponse:
    """Every day on which pictures were made, newest first, with its newest pictures; or what a search finds."""
    if q.strip() or kind or day:
        return await asyncio.to_thread(_found_page, q, kind, day, page, parts)
    return await asyncio.to_thread(_days_page, parts)


@router.get("/outputs/{day}", include_in_schema=False)
async def day_without_slash(day: str) -> RedirectResponse:
    if not paths.DAY.fullmatch(day):
        raise NotFound(f"Nothing was made on {day[:40]!r}.")
    return RedirectResponse(f"{day}/", status_code=307)


@router.get("/outputs/{day}/", responses={404: {"description": "Nothing was made on that day."}})
async def one_day(day: str, parts: TheParts, page: Annotated[int, Query(ge=1)] = 1) -> HTMLResponse:
    """The pictures of a day, newest first, with prompt, seed and size."""
    return await asyncio.to_thread(_day_page, day, page, parts)


def _days_page(parts: Parts) -> HTMLResponse:
    root = parts.outputs.folder
    names = sorted((path.name for path in root.iterdir()), reverse=True) if root.is_dir() else []
    made = {name: _newest_first(folder, root) for name in names if (folder := paths.day_folder(root, name))}
    body = "\n".join(_strip(day, files) for day, files in made.items() if files)
    nothing = '<p class="empty">No picture has been made yet.</p>'
    count = sum(map(len, made.values()))
    note = f"{_many(count)} · <a href='../docs'>API</a>"
    leave = '<form method="post" action="../logout"><button>Log out</button></form>' if parts.access.needed else ""
    return html_page("Pictures", heading="Pictures", note=note, body=_form() + (body or nothing) + leave)


def _form(q: str = "", kind: str | None = None, day: str | None = None) -> str:
    """Where a search is typed; it leads to the same page."""
    options = "".join(
        f'<option value="{name}"{" selected" if name == kind else ""}>{name.replace("_", " ") or "all kinds"}</option>'
        for name in ("", *search.kinds())
    )
    return (
        '<form class="search" role="search">'
        f'<input type="search" name="q" value="{escape(q)}" placeholder="Prompt, seed, model, name" '
        'aria-label="Search">'
        f'<select name="kind" aria-label="Kind">{options}</select>'
        f'<input type="date" name="day" value="{day or ""}" aria-label="Day"><button>Search</button></form>'
    )


def _found_page(q: str, kind: str | None, day: str | None, page: int, parts: Parts) -> HTMLResponse:
    total, found = search.find(search.asked(q, day, kind), page, PER_PAGE, parts)
    cards = "".join(_card(one.picture.day, _of(one.picture), folder=f"{one.picture.day}/", top="../") for one in found)
    said = {"q": q, "kind": kind or "", "day": day or ""}
    newer = f'<a href="?{urlencode(said | {"page": page - 1})}">← newer</a>' if page > 1 else ""
    older = f'<a href="?{urlencode(said | {"page": page + 1})}">older →</a>' if page * PER_PAGE < total else ""
    body = f'<ul class="grid">{cards}</ul><nav>{newer}{older}</nav>' if cards else NOTHING_FOUND
    note = f"{_many(total)} · <a href='./'>all days</a>"
    return html_page("Search", heading="Search", note=note, body=_form(q, kind, day) + body)


def _strip(day: str, files: list[str]) -> str:
    """One day: its name, how many, and a row of its newest."""
    images = "".join(
        f'<a href="{day}/"><img src="../thumbnails/{day}/{quote(file)}" height="128" loading="lazy" alt=""></a>'
        for file in files[:PER_STRIP]
    )
    heading = f'<h2><a href="{day}/">{day}</a><small>{_many(len(files))}</small></h2>'
    return f'<section class="day">{heading}<div class="strip">{images}</div></section>'


def _day_page(day: str, page: int, parts: Parts) -> HTMLResponse:
    root = parts.outputs.folder
    folder = paths.day_folder(root, day)
    if folder is None:
        raise NotFound(f"Nothing was made on {day[:40]!r}.")
    files = _newest_first(folder, root)
    told = parts.store.pictures_of(day)
    first = (page - 1) * PER_PAGE
    cards = (_card(day, _shown(folder / file, told.get(file))) for file in files[first : first + PER_PAGE])
    newer = f'<a href="?page={page - 1}">← newer</a>' if page > 1 else ""
    older = f'<a href="?page={page + 1}">older →</a>' if first + PER_PAGE < len(files) else ""
    body = f'<ul class="grid">{"".join(cards)}</ul><nav>{newer}{older}</nav>'
    return html_page(day, heading=day, note=f"{_many(len(files))} · <a href='../'>all days</a>", body=body)


def _card(day: str, shown: Shown, *, folder: str = "", top: str = "../../") -> str:
    """One picture, what it was made from, and its name where that is not known.

    folder: the way to the day's folder from the page; top: the way to what all is below.
    """
    name = quote(shown.file)
    words = escape(shown.file if shown.prompt is None else shown.prompt.strip() or "(no prompt)")
    facts = [f"<span>seed {shown.seed}</span>"] if shown.seed is not None else []
    facts += [f"<span>{shown.size[0]}×{shown.size[1]}</span>"] if shown.size else []
    return (
        f'<li class="card"><a href="{folder}{name}">'
        f'<img src="{top}thumbnails/{day}/{name}" width="320" height="320" loading="lazy" alt="{words}"></a>'
        f'<div><p title="{words}">{words}</p><small>{"".join(facts)}</small></div></li>'
    )


def _shown(path: Path, row: PictureRow | None) -> Shown:
    """What the store knows of a file; of one that it does not know, the size."""
    if row:
        return _of(row)
    try:
        with Image.open(path) as picture:
            size = picture.size
    except BROKEN:
        return Shown(file=path.name, prompt=None, seed=None, size=None)
    return Shown(file=path.name, prompt=None, seed=None, size=size)


def _of(row: PictureRow) -> Shown:
    return Shown(file=row.file, prompt=row.prompt, seed=row.seed, size=(row.width, row.height))


def _newest_first(folder: Path, root: Path) -> list[str]:
    """The names of the pictures in a folder; links that lead out of `root` are left out."""
    files = [path for path in folder.iterdir() if paths.picture_file(folder, root, path.name)]
    return [path.name for path in sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)]


def _many(count: int) -> str:
    return f"{count:,} picture" + ("" if count == 1 else "s")
