"""Finished pictures on disk: their names, their metadata, and how they get there whole."""

import io
import json
import os
import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Literal

from PIL import Image
from PIL.PngImagePlugin import PngInfo

Format = Literal["png", "jpeg", "webp"]
EXIF_USER_COMMENT = 0x9286
EXIF_SUBTABLE = 0x8769


@dataclass(frozen=True, kw_only=True)
class SavedImage:
    """A picture that is on disk, with its metadata: `<outputs>/<day>/<file>`."""

    day: str
    file: str
    width: int
    height: int


def encode(picture: Image.Image, form: Format, metadata: Mapping[str, object] | None = None) -> bytes:
    """RGB or L picture → file bytes; PNG is lossless, JPEG and WEBP are quality 95. `metadata` goes in as JSON."""
    text = json.dumps(metadata, sort_keys=True) if metadata else None
    buffer = io.BytesIO()
    if form == "png":
        chunks = PngInfo()
        if text:
            chunks.add_text("gesso", text)
        picture.save(buffer, "PNG", pnginfo=chunks)
    elif form == "jpeg":
        picture.save(buffer, "JPEG", quality=95, optimize=True, progressive=True, exif=_exif(text))
    else:
        picture.save(buffer, "WEBP", quality=95, exif=_exif(text))
    return buffer.getvalue()


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path` whole or not at all, even when the machine stops meanwhile. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{random.getrandbits(64):016x}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


class Outputs:
    """The outputs folder: one folder a day. Safe to use from several threads of the one process that owns it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._naming = threading.Lock()

    def save(
        self,
        picture: Image.Image,
        *,
        form: Format,
        metadata: Mapping[str, object] | None,
        name: str | None = None,
    ) -> SavedImage:
        """Encode and keep one picture; `name` (without extension) replaces the time's. Raises OSError."""
        content = encode(picture, form, metadata)
        now = datetime.now()
        day = f"{now:%Y-%m-%d}"
        with self._naming:
            path = self._free_path(self.folder / day, name or f"{now:%Y-%m-%d_%H-%M-%S}", form, numbered=name is None)
            write(path, content)
        return SavedImage(day=day, file=path.name, width=picture.width, height=picture.height)

    def _free_path(self, folder: Path, stem: str, form: Format, *, numbered: bool) -> Path:
        """A path that no file has: `<stem>_<1000..9999>` for the time's names, else the stem, suffixed if taken."""
        if numbered:
            names: Iterable[str] = (f"{stem}_{n}" for n in random.sample(range(1000, 10000), 9000))
        else:
            names = chain([stem], (f"{stem}-{n}" for n in count(2)))
        return next(path for name in names if not (path := folder / f"{name}.{form}").exists())


def _exif(text: str | None) -> Image.Exif:
    """EXIF with `text` as the user comment (its first eight bytes name the encoding), or an empty one."""
    exif = Image.Exif()
    if text:
        exif.get_ifd(EXIF_SUBTABLE)[EXIF_USER_COMMENT] = b"ASCII\0\0\0" + text.encode("ascii")
    return exif
