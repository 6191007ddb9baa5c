"""Small versions of the pictures in the outputs folder, made when first asked for and kept."""

import asyncio
import io
from pathlib import Path

from PIL import Image

from server.outputs import write
from server.pictures import BROKEN, as_picture, check_size

SIDE = 320
FOLDER = ".thumbnails"
AT_ONCE = 2


class Thumbnails:
    """WEBP files below `<outputs>/.thumbnails`; making them takes no more than two threads."""

    def __init__(self, outputs: Path) -> None:
        self._folder = outputs / FOLDER
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def of(self, picture: Path) -> Path | None:
        """The small version of `<outputs>/<day>/<file>`, at most 320 pixels a side; None when it cannot be read."""
        small = self._path(picture)
        async with self._turn:
            return await asyncio.to_thread(_up_to_date, small, picture)

    def forget(self, picture: Path) -> None:
        """The picture is gone, so is its small version. Raises OSError."""
        self._path(picture).unlink(missing_ok=True)

    def _path(self, picture: Path) -> Path:
        return self._folder / picture.parent.name / f"{picture.name}.webp"


def _up_to_date(small: Path, picture: Path) -> Path | None:
    if small.is_file() and small.stat().st_mtime >= picture.stat().st_mtime:
        return small
    try:
        with Image.open(picture) as full:
            check_size(full.size, picture.name)
            full.draft("RGB", (SIDE, SIDE))
            shrunk = as_picture(full)
        shrunk.thumbnail((SIDE, SIDE))
        buffer = io.BytesIO()
        shrunk.save(buffer, "WEBP", quality=80)
        write(small, buffer.getvalue())
    except BROKEN:
        return None
    return small
