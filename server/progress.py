"""How far a task is, moment by moment, for as many listeners as there are, also for those who come late or again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Something that happened to a task. number: from 1, in order. progress: 0 to 100. last: the task has ended.

    preview: what is being painted, a small PNG; only the newest of a running task is kept.
    """

    number: int
    progress: int
    message: str
    last: bool = False
    preview: bytes | None = None


class Course:
    """The moments of one task. Lives on the event loop. previews: whether there may be any."""

    def __init__(self, *, previews: bool = False) -> None:
        self._previews = previews
        self._watched = False
        self._moments: list[Moment] = []
        self._changed = asyncio.Event()
        self._shown: int | None = None
        self._broken = False

    @property
    def progress(self) -> int:
        """How far it is, 0 to 100."""
        return self._moments[-1].progress if self._moments else 0

    @property
    def has_ended(self) -> bool:
        """Whether its last moment was told."""
        return bool(self._moments) and self._moments[-1].last

    @property
    def preview(self) -> bytes | None:
        """The newest preview, PNG; None before the first and after the end."""
        return None if self._shown is None else self._moments[self._shown].preview

    @property
    def wants_previews(self) -> bool:
        """Whether previews are to be made: there may be some, and somebody looks."""
        return self._previews and self._watched

    def watch(self) -> bool:
        """Somebody looks; whether previews are to be made that were not before."""
        before, self._watched = self.wants_previews, True
        return self.wants_previews and not before

    def tell(self, progress: int, message: str, *, last: bool = False) -> None:
        """Add a moment, never less far than the one before; everybody who follows gets it at once."""
        if last:
            self._hide()
        progress = max(progress, self.progress)
        self._add(Moment(number=len(self._moments) + 1, progress=progress, message=message, last=last))

    def show(self, preview: bytes) -> None:
        """Add a moment that repeats the last one's words with a preview (PNG), which takes the older one's place."""
        self._hide()
        self._shown = len(self._moments)
        self._add(replace(self._moments[-1], number=len(self._moments) + 1, preview=preview))

    def break_off(self) -> None:
        """Let everybody go who follows: what comes is not told by this process."""
        self._broken = True
        self._changed.set()

    def _hide(self) -> None:
        """Forget the preview: a long task would fill the memory with them."""
        if self._shown is not None:
            self._moments[self._shown] = replace(self._moments[self._shown], preview=None)
            self._shown = None

    def _add(self, moment: Moment) -> None:
        self._moments.append(moment)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def is_over(self, after: int) -> bool:
        """Whether the end is not after moment number `after`: there is nothing more to come."""
        return self.has_ended and after >= self._moments[-1].number

    async def follow(self, after: int = 0) -> AsyncIterator[Moment]:
        """Every moment with a number above `after`, those that are to come as they come, up to the last."""
        while not self.is_over(after):
            changed = self._changed
            for moment in self._moments[after:]:
                yield moment
                after = moment.number
                if moment.last:
                    return
            if self._broken:
                return
            await changed.wait()


class Share:
    """How much of a task's images is done, whether they are painted one after the other or side by side."""

    def __init__(self, images: int) -> None:
        self._done = [0.0] * images

    def reached(self, image: int, share: float = 1.0) -> int:
        """Image `image` (from 1) is done to a share of 0 to 1; the progress of all in percent, at most 99."""
        self._done[image - 1] = max(share, self._done[image - 1])
        return min(99, int(100 * sum(self._done) / len(self._done) + 1e-9))
