"""One file from the net, whole or not at all: gone on with where it broke off, checked, and only then put in place."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from server.errors import DownloadFailed
from server.partial import Offer, Partial
from server.sites import HUB, Sites

Tell = Callable[[int, int | None], None]
"""Told of bytes that are there, and of how many it will be (None: nobody says)."""

CHUNK = 1 << 20
SILENT_FOR_S = 30.0
PAUSES_S = (0.5, 2, 5, 10)
"""Before a line that broke is called again; as often as this without a single new byte, and it is given up."""
MOST_REDIRECTS = 10
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
SHA256 = re.compile(r'(?:W/)?"?([0-9a-f]{64})"?')
AS_IT_IS = {"Accept-Encoding": "identity"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """url: without a sum at its end. sha256: that it must have, "" if any will do."""

    url: str
    sha256: str


class _Cut(Exception):
    """The line broke, or the host is busy: another attempt may go on from there."""


def client() -> httpx.AsyncClient:
    """One that honours the proxies and certificates which the environment names, and follows no redirection itself."""
    return httpx.AsyncClient(timeout=SILENT_FOR_S, headers={"User-Agent": "Gesso"}, follow_redirects=False)


async def look(http: httpx.AsyncClient, sites: Sites, wanted: Wanted) -> Offer:
    """What its host says of a file, before any of it comes. Raises DownloadFailed, or InvalidValue for its site."""
    try:
        async with _opened(http, sites, wanted.url, AS_IT_IS) as (answer, told):
            return _offer(answer, told, wanted)
    except (_Cut, httpx.TransportError) as problem:
        raise DownloadFailed(f"{_host(sites, wanted.url)} cannot be reached: {_reason(problem)}.") from problem


async def read(http: httpx.AsyncClient, sites: Sites, url: str, *, most: int) -> bytes:
    """What a small file has in it. Raises DownloadFailed, or InvalidValue for its site. most: bytes."""
    content = bytearray()
    try:
        async with _opened(http, sites, url, AS_IT_IS) as (answer, _):
            async for chunk in answer.aiter_raw(CHUNK):
                content += chunk
                if len(content) > most:
                    raise DownloadFailed(f"{url} has more than {most} bytes.")
    except (_Cut, httpx.TransportError) as problem:
        raise DownloadFailed(f"{_host(sites, url)} cannot be reached: {_reason(problem)}.") from problem
    return bytes(content)


async def fetch(http: httpx.AsyncClient, sites: Sites, wanted: Wanted, part: Partial, tell: Tell) -> None:
    """Put the file in its place. Raises DownloadFailed, InvalidValue for its site, or OSError (a full disk).

    What has come before something goes wrong stays for the next time, unless it is wrong itself.
    """
    failures = 0
    while True:
        before = part.size
        try:
            await _go_on(http, sites, wanted, part, tell)
            break
        except (_Cut, httpx.TransportError) as problem:
            failures = 1 if part.size > before else failures + 1
            if failures > len(PAUSES_S):
                raise DownloadFailed(f"{wanted.url} broke off again and again: {_reason(problem)}.") from problem
            await asyncio.sleep(PAUSES_S[failures - 1])
    await asyncio.to_thread(_finish, wanted, part)


async def _go_on(http: httpx.AsyncClient, sites: Sites, wanted: Wanted, part: Partial, tell: Tell) -> None:
    """From where it is to the end of the answer. Raises _Cut when that is not the file's end."""
    had, start = part.offer(wanted.url), part.size
    if had and had.total == start:
        return
    resumes = had is not None and had.validator and start > 0
    headers = AS_IT_IS | ({"Range": f"bytes={start}-", "If-Range": had.validator} if had and resumes else {})
    async with _opened(http, sites, wanted.url, headers) as (answer, told):
        offer = _offer(answer, told, wanted)
        if answer.status_code != 200 and not (had and resumes and _goes_on(answer, start) and _is_same(had, offer)):
            part.discard()
            raise _Cut("the file has changed meanwhile")
        if answer.status_code == 200:
            start = 0
            await asyncio.to_thread(part.begin, offer)
        tell(start, offer.total)
        with part.append() as file:
            async for chunk in answer.aiter_raw(CHUNK):
                await asyncio.to_thread(file.write, chunk)
                start += len(chunk)
                tell(start, offer.total)
    if offer.total is not None and start != offer.total:
        raise _Cut(f"only {start} of {offer.total} bytes came")


def _finish(wanted: Wanted, part: Partial) -> None:
    """Into its place, if it is what it should be; else away with it. Raises DownloadFailed."""
    offer = part.offer(wanted.url)
    expected = wanted.sha256 or (offer.sha256 if offer else "")
    if expected and (got := part.sha256()) != expected:
        part.discard()
        raise DownloadFailed(f"{wanted.url} gave another file: its sha256 is {got} instead of {expected}.")
    if not expected and not part.is_plausible():
        part.discard()
        raise DownloadFailed(f"{wanted.url} gave a damaged file: it is no whole safetensors file.")
    part.finish()


@asynccontextmanager
async def _opened(
    http: httpx.AsyncClient, sites: Sites, url: str, headers: dict[str, str]
) -> AsyncIterator[tuple[httpx.Response, str]]:
    """The good answer at the end of all redirections, each of which is checked; with the sum that was told on the way.

    Hugging Face tells it where it redirects to the file (X-Linked-ETag).
    """
    here, told = sites.first(url), ""
    for _ in range(1 + MOST_REDIRECTS):
        async with http.stream("GET", here, headers=headers | sites.credentials(here)) as answer:
            if found := SHA256.fullmatch(answer.headers.get("x-linked-etag", "")):
                told = found[1]
            if answer.next_request is None:
                _refuse(answer, url)
                yield answer, told
                return
            here = answer.next_request.url
        if why := sites.why_not_on_to(here):
            raise DownloadFailed(f"{url} is not fetched. {why}")
    raise DownloadFailed(f"{url} is redirected more than {MOST_REDIRECTS} times.")


def _refuse(answer: httpx.Response, url: str) -> None:
    """Raises DownloadFailed for an answer that is no file, _Cut where the host is only busy."""
    status = answer.status_code
    if status in (408, 425, 429) or status >= 500:
        raise _Cut(f"it was answered with {status}")
    if status in (401, 403):
        way = "with a browser" + (", and put a token of yours into HF_TOKEN" if url.startswith(HUB) else "")
        raise DownloadFailed(f"{url} is only given to people who are known there ({status}): log in {way}.")
    if status not in ((200, 206, 416) if "range" in answer.request.headers else (200,)):
        raise DownloadFailed(f"{url} is not to be had: it was answered with {status}.")
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "text/html" or answer.headers.get("content-encoding", "identity") != "identity":
        raise DownloadFailed(f"{url} gives a page instead of a file; it may want a login: look at it with a browser.")


def _offer(answer: httpx.Response, told: str, wanted: Wanted) -> Offer:
    """Raises DownloadFailed for a file that is another one already by its sum, or whose end nobody could tell."""
    if told and wanted.sha256 and told != wanted.sha256:
        raise DownloadFailed(f"{wanted.url} is another file: its sha256 is {told} instead of {wanted.sha256}.")
    found = CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    length = found[2] if found else answer.headers.get("content-length", "")
    has_end = length.isdecimal() or answer.headers.get("transfer-encoding") == "chunked"
    if answer.status_code == 200 and not has_end and not (told or wanted.sha256):
        raise DownloadFailed(f"{wanted.url} does not say how long it is, so nobody could tell whether it is whole.")
    tag = answer.headers.get("etag", "")
    return Offer(
        url=wanted.url,
        total=int(length) if length.isdecimal() else None,
        validator=tag if tag.startswith('"') else answer.headers.get("last-modified", ""),
        sha256=told or wanted.sha256,
    )


def _goes_on(answer: httpx.Response, start: int) -> bool:
    found = CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    return found is not None and int(found[1]) == start


def _is_same(had: Offer, now: Offer) -> bool:
    return (had.validator, had.sha256) == (now.validator, now.sha256) and had.total in (None, now.total)


def _host(sites: Sites, url: str) -> str:
    return sites.first(url).host


def _reason(problem: Exception) -> str:
    return str(problem).rstrip(".") or type(problem).__name__
