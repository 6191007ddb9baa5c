"""The running server's parts, put together once by `create_app`, as the routes get them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from configs.settings import Settings
from server.access import Access
from server.active import ActivePreset
from server.backends import Backend
from server.downloads import Downloads
from server.fetching import Guard
from server.hashes import Hashes
from server.inputs import Inputs
from server.metrics import Metrics
from server.outputs import Outputs
from server.shelves import Shelves
from server.store import Store
from server.tasks import TaskQueue
from server.thumbnails import Thumbnails


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a route may use."""

    active: ActivePreset
    store: Store
    access: Access
    guard: Guard
    metrics: Metrics
    inputs: Inputs
    outputs: Outputs
    hashes: Hashes
    shelves: Shelves
    thumbnails: Thumbnails
    backend: Backend
    tasks: TaskQueue
    downloads: Downloads

    @property
    def settings(self) -> Settings:
        """Those of the launch, with the preset that is active at this moment."""
        return self.active.settings


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


TheParts = Annotated[Parts, Depends(_parts)]
