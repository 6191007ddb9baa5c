"""What is written into a task's pictures, worked out while they are painted."""

import asyncio

from server.embedded import Texts
from server.order import Label


class Labels:
    """Of one attempt. Lives on the event loop; the texts are made in threads."""

    def __init__(self, label: Label | None) -> None:
        self._label = label
        self._begun: dict[int, asyncio.Future[Texts]] = {}

    def prepare(self, index: int) -> None:
        """Begin with the texts for the picture of that index in the plan."""
        if self._label and index not in self._begun:
            self._begun[index] = asyncio.get_running_loop().run_in_executor(None, self._label, index)
            self._begun[index].add_done_callback(_hear)

    async def of(self, index: int) -> Texts:
        """The texts for a picture; none where there shall be none. Raises what went wrong with them."""
        self.prepare(index)
        return await self._begun.pop(index) if self._label else Texts()


def _hear(texts: asyncio.Future[Texts]) -> None:
    """What went wrong with texts that nobody asks for any more matters to nobody."""
    if not texts.cancelled():
        texts.exception()
