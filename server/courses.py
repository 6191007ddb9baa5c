"""The courses of all tasks that have not ended, and of the newest that have: how far they are, and who looks."""

from collections.abc import AsyncIterator, Callable

from server.progress import Course, Moment

MOST = 500
"""As many ended tasks can still be followed from their beginning."""

LONG_AGO = 10**9
"""The number of the end of a task whose moments are not kept any more: above that of any that was told."""


class Courses:
    """Lives on the event loop. show: called with a task of which previews shall be made from now on."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._kept: dict[str, Course] = {}

    def begin(self, task_id: str, *, previews: bool) -> None:
        """A task waits. previews: whether there may be any."""
        self._kept[task_id] = Course(previews=previews)
        ended = [known for known, course in self._kept.items() if course.has_ended]
        for old in ended[:-MOST]:
            del self._kept[old]

    def __getitem__(self, task_id: str) -> Course:
        """Of a task that was begun and has not ended."""
        return self._kept[task_id]

    def break_off(self) -> None:
        """Let everybody go who follows a task: what comes is not told by this process."""
        for course in self._kept.values():
            course.break_off()

    def watch(self, task_id: str) -> None:
        """Somebody looks at a task: from now on previews are made of it, where there may be any."""
        if task_id in self._kept and self._kept[task_id].watch():
            self._show(task_id)

    def preview(self, task_id: str) -> bytes | None:
        """The newest small picture (PNG) of what a running task paints, None while there is none; see `watch`."""
        self.watch(task_id)
        return self._kept[task_id].preview if task_id in self._kept else None

    def progress(self, task_id: str) -> int:
        """How far a running task is, 0 to 100."""
        return self._kept[task_id].progress if task_id in self._kept else 0

    def is_over(self, task_id: str, after: int) -> bool:
        """Whether somebody who has seen the moments up to number `after` has seen the task's end."""
        return self._kept[task_id].is_over(after) if task_id in self._kept else after >= LONG_AGO

    async def follow(self, task_id: str, after: int = 0) -> AsyncIterator[Moment]:
        """The moments of a task after number `after`; of one that ended long ago, its end alone."""
        if task_id not in self._kept:
            yield Moment(number=LONG_AGO, progress=100, message="Finished", last=True)
            return
        async for moment in self._kept[task_id].follow(after):
            yield moment
