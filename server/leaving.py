"""Before the server ends, what is being painted is kept: one image of each task that runs."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress


class Leaving:
    """Who is waited for. Lives on the event loop."""

    def __init__(self) -> None:
        self._awaited: set[str] = set()
        self._free = asyncio.Event()

    async def wait_for(self, tasks: Iterable[str], seconds: float) -> None:
        """Until each of these tasks has kept an image, or ended, or the time is over."""
        self._awaited = set(tasks)
        self._free.clear()
        if self._awaited:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._free.wait(), seconds)

    def kept(self, task_id: str) -> None:
        """A task has kept an image, or ended."""
        self._awaited.discard(task_id)
        if not self._awaited:
            self._free.set()
