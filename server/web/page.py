"""`/` and `/static/`: the page for people. Its files hold no secret and open without a key; what it shows does not."""

import asyncio
import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from server.errors import NotFound

router = APIRouter(include_in_schema=False)
without_page = APIRouter(include_in_schema=False)
"""What is there in its place with `--nowebui`."""

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
}
"""Told here, because the machine's own table (Windows keeps it in the registry) may say otherwise."""

HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}


@router.get("/")
async def page(request: Request) -> Response:
    """The page itself; all that it loads is relative to it, so that it holds behind any proxy."""
    return await asyncio.to_thread(_answer, "index.html", request)


@router.get("/static/{path:path}")
async def part(path: str, request: Request) -> Response:
    """A file of the page."""
    return await asyncio.to_thread(_answer, path, request)


@without_page.get("/")
async def manual() -> RedirectResponse:
    """The way to the API's manual, as in FooocusAPI."""
    return RedirectResponse("docs", 307)


def _answer(name: str, request: Request) -> Response:
    """The file, or 304 to who has it already. Only names that lie in the folder lead anywhere."""
    file = _files().get(name)
    if file is None:
        raise NotFound(f"There is no file {name[:200]!r}.")
    content = file.read_bytes()
    headers = HEADERS | {"ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=TYPES[file.suffix], headers=headers)


@cache
def _files() -> dict[str, Path]:
    """Every file of the page by its path in a URL."""
    found = (file for file in FOLDER.rglob("*") if file.suffix in TYPES)
    return {file.relative_to(FOLDER).as_posix(): file for file in found}
