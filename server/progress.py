"""How far a task is, moment by moment, for as many listeners as there are, also for those who come late or again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Something that happened to a task. number: from 1, in order. progress: 0 to 100. last: the task has ended."""

    number: int
    progress: int
    message: str
    last: bool = False


class Course:
    """The moments of one task. Lives on the event loop."""

    def __init__(self) -> None:
        self._moments: list[Moment] = []
        self._changed = asyncio.Event()

    @property
    def progress(self) -> int:
        """How far it is, 0 to 100."""
        return self._moments[-1].progress if self._moments else 0

    def tell(self, progress: int, message: str, *, last: bool = False) -> None:
        """Add a moment; everybody who follows gets it at once."""
        self._moments.append(Moment(number=len(self._moments) + 1, progress=progress, message=message, last=last))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def follow(self, after: int = 0) -> AsyncIterator[Moment]:
        """Every moment with a number above `after`, those that are to come as they come, up to the last."""
        while True:
            changed = self._changed
            for moment in self._moments[after:]:
                yield moment
                after = moment.number
                if moment.last:
                    return
            await changed.wait()
