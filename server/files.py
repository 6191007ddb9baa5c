"""Pictures by their URL: outputs, inputs, thumbnails."""

import asyncio
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from PIL import Image

from server import embedded, paths
from server.accept import format_of, preferred, quality
from server.errors import NotFound
from server.outputs import encode
from server.parts import Parts, TheParts
from server.pictures import as_picture

router = APIRouter(tags=["Files"], responses={404: {"description": "There is no such file."}})

HEADERS = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff", "Vary": "Accept"}


@router.get("/outputs/{day}/{file}", response_class=FileResponse)
async def output(day: str, file: str, parts: TheParts, request: Request) -> Response:
    """A finished picture; converted to PNG, JPEG or WEBP only when `Accept` excludes what it is."""
    return await _answer(await _output(day, file, parts), request)


@router.get("/inputs/{file}", response_class=FileResponse)
async def sent_in(file: str, parts: TheParts, request: Request) -> Response:
    """A picture that was sent in, as it was understood: upright, without alpha, PNG."""
    folder = parts.inputs.folder
    path = await asyncio.to_thread(paths.picture_file, folder, folder, file)
    return await _answer(_found(path, file), request)


@router.get("/thumbnails/{day}/{file}", response_class=FileResponse, include_in_schema=False)
async def thumbnail(day: str, file: str, parts: TheParts) -> Response:
    """A finished picture, small."""
    small = await parts.thumbnails.of(await _output(day, file, parts))
    return FileResponse(_found(small, file), media_type="image/webp", headers=HEADERS)


async def _output(day: str, file: str, parts: Parts) -> Path:
    def find() -> Path | None:
        root = parts.outputs.folder
        folder = paths.day_folder(root, day)
        return folder and paths.picture_file(folder, root, file)

    return _found(await asyncio.to_thread(find), f"{day}/{file}")


def _found(path: Path | None, name: str) -> Path:
    if path is None:
        raise NotFound(f"There is no picture {name[:200]!r}.")
    return path


async def _answer(path: Path, request: Request) -> Response:
    """The file as it is, unless the client excludes its type and takes another that we can make."""
    stored = format_of(path.suffix)
    accept = request.headers.get("accept")
    wanted = preferred(accept)
    if wanted is None or quality(accept, stored) > 0:
        return FileResponse(path, media_type=f"image/{stored}", headers=HEADERS)

    def convert() -> bytes:
        with Image.open(path) as picture:
            return encode(as_picture(picture), wanted, embedded.find(picture))

    return Response(await asyncio.to_thread(convert), media_type=f"image/{wanted}", headers=HEADERS)
