"""Pictures that are sent in: base64, data URLs and http URLs → PNG files named by their content."""

import asyncio
import base64
import binascii
import hashlib
import io
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
from PIL import Image

from configs.settings import LIMITS, Settings, public_url
from masking.errors import InvalidValue, TooLarge, UnreadableImage
from server import paths
from server.errors import InputMissing
from server.fetching import Guard
from server.outputs import sweep, write
from server.pictures import as_mask, as_picture, open_upright
from server.proxy import base_url

NOTHING = frozenset({"", "None", "none", "null", "string"})
KEPT_NAME = re.compile(r"[0-9a-f]{64}\.png")
FETCHES_AT_ONCE = 16
DECODED_AT_ONCE = 2
"""The largest picture takes a gigabyte while it is being decoded."""

DATA_URL = re.compile(r"data:[^,]{0,200},", re.IGNORECASE)


def is_given(value: str | None) -> bool:
    """Whether a field holds a picture at all; FooocusAPI's clients send several words for "none"."""
    return value is not None and value.strip() not in NOTHING


class Inputs:
    """The inputs folder. What is kept is upright 8-bit RGB (masks: L), so that later steps need not ask."""

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._client = guard.client(timeout_s=LIMITS.url_timeout_s)
        self._turn = asyncio.Semaphore(FETCHES_AT_ONCE)
        self._decoding = asyncio.Semaphore(DECODED_AT_ONCE)
        self.folder = settings.input_path
        sweep(self.folder)
        self._outputs = settings.output_path
        self._settings = settings
        own = {public_url(settings), *(f"http://{host}:{settings.port}" for host in ("127.0.0.1", "localhost"))}
        self._own_urls = tuple(f"{url}/" for url in own)

    async def close(self) -> None:
        """Break off what is being fetched."""
        await self._client.aclose()

    async def need(self, value: str | None, field: str) -> Path:
        """`keep` for a picture that must be there. Raises InvalidValue, too."""
        if value is None or not is_given(value):
            raise InvalidValue(f"{field} is missing.", field=field)
        return await self.keep(value, field)

    async def keep(self, value: str, field: str, *, mask: bool = False) -> Path:
        """Fetch, decode and store one picture. Raises UnreadableImage or TooLarge, which name `field`."""
        content = await self.content(value, field)
        async with self._decoding:
            return await asyncio.to_thread(self._keep, content, field, mask)

    async def put(self, content: bytes, field: str, *, mask: bool = False) -> Path:
        """Decode and store a picture's file. Raises UnreadableImage or TooLarge, which name `field`."""
        return await asyncio.to_thread(self._keep, content, field, mask)

    async def content(self, value: str, field: str) -> bytes:
        """A picture's file as it is. Raises UnreadableImage or TooLarge, or InputMissing for an own URL whose file
        has been removed; all name `field`.
        """
        value = value.strip()
        if value[:8].lower().startswith(("http://", "https://")):
            return await self._fetch(value, field)
        return await asyncio.to_thread(_decode, value, field)

    def _keep(self, content: bytes, field: str, mask: bool) -> Path:
        picture = open_upright(content, field)
        kept = _png(as_mask(picture) if mask else as_picture(picture))
        path = self.folder / f"{hashlib.sha256(kept).hexdigest()}.png"
        if path.exists():
            os.utime(path)  # it is needed now: see `server.pruning`
        else:
            write(path, kept)
        return path

    async def _fetch(self, url: str, field: str) -> bytes:
        """What an URL gives; our own pictures are read from disk."""
        for own in (*self._own_urls, f"{base_url(self._settings)}/"):
            if url.startswith(own):
                return await asyncio.to_thread(self._read_own, urlsplit(url).path, url, field)
        try:
            async with self._turn, asyncio.timeout(LIMITS.url_timeout_s):
                return await _download(self._client, url, field)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, UnicodeError) as error:
            reason = str(error) or f"no answer within {LIMITS.url_timeout_s:.0f} s"
            raise UnreadableImage(f"{field}: {url[:200]} could not be fetched: {reason}.", field=field) from error

    def _read_own(self, path: str, url: str, field: str) -> bytes:
        match [unquote(part) for part in path.split("/") if part][-3:]:
            case ["outputs", day, name] if folder := paths.day_folder(self._outputs, day):
                found = paths.picture_file(folder, self._outputs, name)
            case [*_, "inputs", name]:
                found = paths.picture_file(self.folder, self.folder, name)
            case _:
                found = None
        if found is None and KEPT_NAME.fullmatch(path.rpartition("/")[2]):
            raise InputMissing(f"{field}: {url} is no longer kept here; send that picture again.", field=field)
        if found is None:
            raise UnreadableImage(f"{field}: {url} is no picture that is kept here.", field=field)
        return found.read_bytes()


async def _download(client: httpx.AsyncClient, url: str, field: str) -> bytes:
    """The body of a good answer, as long as it is not too large."""
    content = bytearray()
    headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
    async with client.stream("GET", url, headers=headers, follow_redirects=True) as answer:
        answer.raise_for_status()
        if (packed := answer.headers.get("content-encoding", "identity")) != "identity":
            raise UnreadableImage(f"{field}: {url[:200]} comes packed ({packed[:40]}), unasked.", field=field)
        announced = answer.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > LIMITS.max_body:
            raise _too_much(url, field)
        async for chunk in answer.aiter_raw():
            content += chunk
            if len(content) > LIMITS.max_body:
                raise _too_much(url, field)
    return bytes(content)


def _too_much(url: str, field: str) -> TooLarge:
    return TooLarge(f"{field}: {url[:200]} gives more than {LIMITS.max_body >> 20} MiB.", field=field)


def _decode(value: str, field: str) -> bytes:
    """Base64, with or without a data URL's head, line breaks and padding."""
    head = DATA_URL.match(value)
    text = "".join(value[head.end() if head else 0 :].split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableImage(f"{field} is neither base64 nor a data URL nor a http URL.", field=field) from error


def _png(picture: Image.Image) -> bytes:
    """Lossless file bytes of the pixels alone; lightly packed, for the disk is cheaper than the wait."""
    buffer = io.BytesIO()
    picture.info.clear()  # its colour profile, which has been applied, would be kept, too
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
