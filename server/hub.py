"""A repository of Hugging Face's, asked for its files; which of them are needed is told by `pipelines.hub`."""

import json
from typing import Any

import httpx

from pipelines import hub
from pipelines.needs import Needed
from server import transfer
from server.errors import DownloadFailed
from server.sites import Sites

LARGEST = 16 << 20
"""Bytes of a list of files, or of an index."""


async def files(http: httpx.AsyncClient, sites: Sites, repository: Needed) -> tuple[Needed, ...]:
    """What a repository needs, its index last: without that, its folder is no checkpoint.

    Raises DownloadFailed, NotSupported for another kind of model, InvalidValue where parts of it are missing.
    """
    name, page = repository.name, repository.url
    listed = await _json(http, sites, f"{hub.SITE}/api/models/{name}?blobs=true")
    index = await _json(http, sites, f"{page}/resolve/main/{hub.INDEX}")
    try:
        told = {str(file["rfilename"]): file for file in listed["siblings"]}
        chosen = hub.chosen(name, index, list(told))
        return tuple(_needed(repository, file, told.get(file, {})) for file in chosen)
    except (LookupError, TypeError, AttributeError) as problem:
        raise DownloadFailed(f"The list of {name}'s files cannot be read: {problem!r}.") from problem


def _needed(repository: Needed, file: str, told: dict[str, Any]) -> Needed:
    """One file of it; of large ones the hub tells the sum."""
    large, size = told.get("lfs") or {}, told.get("size")
    return Needed(
        folder=repository.folder,
        name=f"{repository.name}/{file}",
        url=f"{repository.url}/resolve/main/{file}",
        sha256=str(large.get("sha256", "")),
        total=size if isinstance(size, int) else None,
    )


async def _json(http: httpx.AsyncClient, sites: Sites, url: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(await transfer.read(http, sites, url, most=LARGEST))
        return dict(told)
    except (ValueError, TypeError) as problem:
        raise DownloadFailed(f"{url} gave no JSON: {problem}.") from problem
