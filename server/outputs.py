"""Finished pictures on disk: their names, their metadata, and how they get there whole."""

import io
import os
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO, Literal

from PIL import Image

from pipelines import png
from server import embedded
from server.embedded import Texts

Format = Literal["png", "jpeg", "webp"]
NO_TEXTS = Texts()


@dataclass(frozen=True, kw_only=True)
class SavedImage:
    """A picture that is on disk: `<outputs>/<day>/<file>`. warnings: what of its metadata found no room."""

    day: str
    file: str
    width: int
    height: int
    warnings: tuple[str, ...] = ()


def encode(picture: Image.Image, form: Format, texts: Texts = NO_TEXTS) -> bytes:
    """RGB or L picture → file bytes; PNG is lossless, JPEG and WEBP are quality 95.

    Of `texts` a JPEG gets as much as it has room for (`embedded.fitting_jpeg`).
    """
    buffer = io.BytesIO()
    if form == "png":
        return png.encode(picture, embedded.png_chunks(texts))
    if form == "jpeg":
        tags = embedded.exif(embedded.fitting_jpeg(texts))
        picture.save(buffer, "JPEG", quality=95, optimize=True, progressive=True, exif=tags)
    else:
        picture.save(buffer, "WEBP", quality=95, exif=embedded.exif(texts))
    return buffer.getvalue()


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path` whole or not at all, even when the machine stops meanwhile. Raises OSError."""
    with _beside(path, content) as file:
        os.fsync(file.fileno())


@contextmanager
def _beside(path: Path, content: bytes) -> Iterator[BinaryIO]:
    """A file with `content`, which comes to lie at `path` once the block has seen to it that it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{random.getrandbits(64):016x}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def sweep(folder: Path) -> int:
    """Remove what writes left that a kill cut short, down to three folders deep; how many these were."""
    parts = [path for deep in ("", "*/", "*/*/") for path in folder.glob(f"{deep}.*.part") if path.is_file()]
    for path in parts:
        path.unlink(missing_ok=True)
    return len(parts)


class Outputs:
    """The outputs folder: one folder a day. Safe to use from several threads of the one process that owns it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._naming = threading.Lock()
        self._syncing = ThreadPoolExecutor(1, "gesso-disk")

    def save(
        self,
        picture: Image.Image,
        *,
        form: Format,
        texts: Texts = NO_TEXTS,
        name: str | None = None,
        reserve: Callable[[str, str], None] = lambda day, file: None,
    ) -> SavedImage:
        """Encode and keep one picture; `name` (without extension) replaces the time's. Raises OSError.

        reserve: called with day and file name before there is anything under that name. What has been written by then
        comes to the disk meanwhile.
        """
        content = encode(picture, form, texts)
        now = datetime.now()
        day = f"{now:%Y-%m-%d}"
        with self._naming:
            path = self._free_path(self.folder / day, name or f"{now:%Y-%m-%d_%H-%M-%S}", form, numbered=name is None)
            with _beside(path, content) as file:
                synced = self._syncing.submit(os.fsync, file.fileno())
                try:
                    reserve(day, path.name)
                finally:
                    wait([synced])
                synced.result()
        return SavedImage(
            day=day, file=path.name, width=picture.width, height=picture.height, warnings=_left_out(texts, form)
        )

    def _free_path(self, folder: Path, stem: str, form: Format, *, numbered: bool) -> Path:
        """A path that no file has: `<stem>_<1000..9999>` for the time's names, else the stem, suffixed if taken."""
        if numbered:
            first = random.randrange(9000)
            names: Iterable[str] = (f"{stem}_{1000 + (first + n) % 9000}" for n in range(9000))
        else:
            names = chain([stem], (f"{stem}-{n}" for n in count(2)))
        return next(path for name in names if not (path := folder / f"{name}.{form}").exists())


def _left_out(texts: Texts, form: Format) -> tuple[str, ...]:
    """What to tell about texts that a file of this format cannot hold."""
    kept = embedded.fitting_jpeg(texts) if form == "jpeg" else texts
    if kept == texts:
        return ()
    what = "only Gesso's own metadata fits" if kept.own else "no metadata fits"
    return (f"The prompt is so long that {what} into a JPEG: take png or webp to keep all of it.",)
