"""The durable queue and the life of a task: a row first, then its turn, its pictures on disk, the row's end."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from pipelines.events import Failed, Finished, Message, Picture, Preview, Skipped, Step
from pipelines.orders import Action
from server.backends import WORKER_DIED, Backend
from server.errors import NotFound
from server.keeping import Keeper
from server.order import Order, new_row
from server.outputs import Outputs
from server.progress import Course, Moment, Share
from server.request_keys import RequestKey
from server.store import Store, TaskRow

log = logging.getLogger("gesso")

MOST_COURSES = 500
LONG_AGO = 10**9
"""The number of the end of a task whose moments are not kept any more: above that of any that was told."""

"""As many ended tasks can still be followed from their beginning."""

TRIES = 3
"""As often a task is begun whose worker dies of it."""

MOST_STARTS = 10
"""A task that was begun so often, over restarts of the server, and never ended is given up."""


class TaskQueue:
    """First come, first served, one task at a time on one backend. Lives on the event loop.

    on_end: called on the loop with a task's id, once its row says that it is finished, failed or stopped.
    again: makes a row's order again, so that the task goes on after a restart; raises ValueError where it cannot.
    """

    def __init__(
        self,
        store: Store,
        outputs: Outputs,
        backend: Backend,
        again: Callable[[TaskRow], Order],
        on_end: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._keeper = Keeper(store, outputs)
        self._backend = backend
        self._again = again
        self._on_end = on_end
        self._waiting: dict[str, Order] = {}
        self._arrived = asyncio.Event()
        self._running: dict[str, asyncio.Event] = {}  # set once the backend knows of the task
        self._ended: dict[str, asyncio.Event] = {}
        self._courses: dict[str, Course] = {}
        self._runner: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what an earlier run left open, and begin to serve."""
        await asyncio.to_thread(self._keeper.settle)
        for row in await asyncio.to_thread(self._store.open_tasks):
            await self._take_up(row)
        self._runner = asyncio.create_task(self._run_all())

    async def close(self) -> None:
        """Stop; tasks that are not done go on at the next start."""
        if self._runner:
            self._runner.cancel()
            await asyncio.wait([self._runner])

    async def submit(self, order: Order, key: RequestKey | None = None) -> str:
        """Accept a task: its row is on disk when this returns its id (32 hexadecimal digits).

        Raises KeyTaken where another task has the key.
        """
        task_id = uuid.uuid4().hex
        await asyncio.to_thread(self._store.add, new_row(task_id, order), key)
        self._line_up(task_id, order)
        return task_id

    def _line_up(self, task_id: str, order: Order) -> None:
        self._ended[task_id] = asyncio.Event()
        self._remember(task_id)
        self._waiting[task_id] = order
        self._arrived.set()

    async def _take_up(self, row: TaskRow) -> None:
        """Line a task up that an earlier run of the server had accepted."""
        try:
            if row.starts >= MOST_STARTS:
                raise ValueError(f"it was begun {row.starts} times and never ended")
            order = await asyncio.to_thread(self._again, row)
        except Exception as error:  # whatever it is: the record tells, and the others go on
            log.exception("Task %s cannot go on.", row.task_id)
            message = f"The server was stopped before this task was done, and it cannot go on: {error}."
            await asyncio.to_thread(self._store.fail, row.task_id, message)
            return
        await asyncio.to_thread(self._store.wait_again, row.task_id)
        self._line_up(row.task_id, order)

    def position(self, task_id: str) -> int | None:
        """How many tasks come before a waiting one: 0 = next to run. None: it does not wait."""
        return list(self._waiting).index(task_id) if task_id in self._waiting else None

    def preview(self, task_id: str) -> bytes | None:
        """The newest small picture (PNG) of what a running task paints, None while there is none."""
        return self._courses[task_id].preview if task_id in self._courses else None

    async def cancel(self, task_id: str) -> bool:
        """Stop a task that waits or runs; returns once it has ended. False: it had ended by itself."""
        if self._waiting.pop(task_id, None) is not None:
            await asyncio.shield(self._drop(task_id))  # half of it would leave a row that waits for ever
            return True
        if task_id not in self._ended:
            return False
        await self.control("stop", task_id)
        return (await self.ended(task_id)).status == "stopped"

    async def control(self, action: Action, task_id: str | None = None) -> str | None:
        """Stop a running task or skip its current image, by default the oldest's; a waiting one can be stopped, too.

        Returns at once (the worker obeys before its next denoising step) with the task's id; None: no such task runs.
        """
        if task_id in self._waiting and action == "stop":
            return task_id if await self.cancel(task_id) else None
        chosen = task_id or next(iter(self._running), "")
        if chosen not in self._running:
            return None
        await self._running[chosen].wait()
        await self._backend.control(chosen, action)
        return chosen

    async def ended(self, task_id: str) -> TaskRow:
        """The row of a task accepted by this process, once it is finished, failed or stopped."""
        if (end := self._ended.get(task_id)) is not None:
            await end.wait()
        row = await asyncio.to_thread(self._store.task, task_id)
        if row is None:
            raise NotFound(f"Task {task_id} was deleted before its end could be told.")
        return row

    def progress(self, task_id: str) -> int:
        """How far a running task is, 0 to 100."""
        return self._courses[task_id].progress if task_id in self._courses else 0

    def is_over(self, task_id: str, after: int) -> bool:
        """Whether somebody who has seen the moments up to number `after` has seen the task's end."""
        return self._courses[task_id].is_over(after) if task_id in self._courses else after >= LONG_AGO

    async def follow(self, task_id: str, after: int = 0) -> AsyncIterator[Moment]:
        """The moments of a task after number `after`; of one that ended long ago, its end alone."""
        if task_id not in self._courses:
            yield Moment(number=LONG_AGO, progress=100, message="Finished", last=True)
            return
        async for moment in self._courses[task_id].follow(after):
            yield moment

    def _remember(self, task_id: str) -> None:
        """Keep the courses of the newest tasks; those that have not ended are always kept."""
        self._courses[task_id] = Course()
        ended = [known for known in self._courses if known not in self._ended]
        for old in ended[:-MOST_COURSES]:
            del self._courses[old]

    async def _run_all(self) -> None:
        while True:
            task_id, order = await self._next()
            try:
                await self._run(task_id, order)
            except Exception as error:  # whatever it was: the task's record tells, the next task goes on
                log.exception("Task %s failed.", task_id)
                await self._record_failure(task_id, f"{type(error).__name__}: {error}")
            finally:
                self._release(task_id)
            self._tell_end(task_id)

    async def _next(self) -> tuple[str, Order]:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        task_id = next(iter(self._waiting))
        self._running[task_id] = asyncio.Event()
        return task_id, self._waiting.pop(task_id)

    async def _drop(self, task_id: str) -> None:
        """End a task whose turn has not come."""
        try:
            await asyncio.to_thread(self._store.stop, task_id)
        finally:
            self._release(task_id)
        self._tell_end(task_id)

    def _release(self, task_id: str) -> None:
        """Let everybody go who waits for a task or follows it."""
        if (begun := self._running.pop(task_id, None)) is not None:
            begun.set()
        self._courses[task_id].tell(100, "Finished", last=True)
        self._ended.pop(task_id).set()

    def _tell_end(self, task_id: str) -> None:
        if self._on_end:  # not called from here, so that what it raises does not end the queue
            asyncio.get_running_loop().call_soon(self._on_end, task_id)

    async def _run(self, task_id: str, order: Order) -> None:
        """Run a task to its end; one whose worker dies is tried again, with the pictures that it has."""
        course, images = self._courses[task_id], len(order.plan.shots)
        course.tell(course.progress, f"Preparing task 1/{images} ...")
        told: list[str] = []
        for attempt in range(1, TRIES + 1):
            await asyncio.to_thread(self._store.start, task_id)
            end = await self._attempt(task_id, order, told)
            if isinstance(end, Finished):
                told += await asyncio.to_thread(self._keeper.keep_grid, task_id, order)
                warnings = (*order.warnings, *order.plan.warnings, *end.warnings, *told)
                close = self._store.stop if end.stopped else self._store.finish
                await asyncio.to_thread(close, task_id, tuple(dict.fromkeys(warnings)))
                return
            log.error("Task %s failed: %s", task_id, end.message)
            if end.kind != WORKER_DIED or attempt == TRIES:
                await asyncio.to_thread(self._store.fail, task_id, end.message)
                return
            told.append(f"{end.message} The task was begun again ({attempt}).")
            course.tell(course.progress, "The worker process ended; beginning again ...")

    async def _attempt(self, task_id: str, order: Order, told: list[str]) -> Finished | Failed:
        """Have the backend make the pictures that are still missing; what it ended with. Warnings join `told`."""
        row = await asyncio.to_thread(self._store.task, task_id)
        images = len(order.plan.shots)
        done = {picture.position for picture in row.pictures} if row else set()
        missing = [index for index in range(images) if index not in done]
        course, share = self._courses[task_id], Share(images)
        for index in done & set(range(images)):
            course.tell(share.reached(index + 1), f"Image {index + 1}/{images} is there ...")
        self._running[task_id].set()
        if not missing:
            return Finished()
        plan = replace(order.plan, shots=tuple(order.plan.shots[index] for index in missing))
        async for event in self._backend.run(task_id, plan, previews=order.previews):
            match event:
                case Step():
                    image = missing[event.image - 1] + 1
                    message = f"Sampling step {event.step}/{event.steps}, image {image}/{images} ..."
                    course.tell(share.reached(image, event.step / event.steps), message)
                case Message():
                    course.tell(course.progress, event.text)
                case Preview():
                    course.show(event.png)
                case Skipped():
                    image = missing[event.image - 1] + 1
                    course.tell(share.reached(image), f"Skipping image {image}/{images} ...")
                case Picture():
                    picture = replace(event, index=missing[event.index])
                    message = f"Saving image {picture.index + 1}/{images} to system ..."
                    course.tell(share.reached(picture.index + 1), message)
                    told += await asyncio.to_thread(self._keeper.keep, task_id, order, picture)
                case Failed() | Finished():
                    return event
        raise RuntimeError("the backend told no end")

    async def _record_failure(self, task_id: str, message: str) -> None:
        try:
            await asyncio.to_thread(self._store.fail, task_id, message)
        except Exception:  # a full disk, say: the queue must go on nevertheless
            log.exception("The failure of task %s could not be recorded.", task_id)
