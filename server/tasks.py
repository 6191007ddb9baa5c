"""The durable queue and the life of a task: a row first, then its turn, its pictures on disk, the row's end."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.events import Failed, Finished, Message, Picture, Preview, Skipped, Step
from pipelines.orders import Action
from pipelines.plans import Plan
from server.backends import Backend
from server.embedded import Texts
from server.errors import NotFound
from server.keeping import Keeper
from server.outputs import Format, Outputs
from server.progress import Course, Moment, Share
from server.store import Store, TaskRow, now

Label = Callable[[int | None], Texts]

log = logging.getLogger("gesso")

MOST_COURSES = 500
LONG_AGO = 10**9
"""The number of the end of a task whose moments are not kept any more: above that of any that was told."""

"""As many ended tasks can still be followed from their beginning."""

LEFT_OPEN = "The server was stopped before this task was done."


@dataclass(frozen=True, kw_only=True)
class Order:
    """A decided request, as a facade hands it to the queue. `asked` is what its record shows of the request.

    label: what is written into a picture, by its index in the plan; into the grid of all by None.
    previews: whether small pictures shall be made of what is being painted. grid: whether one more shall show all.
    """

    plan: Plan
    asked: Mapping[str, Any]
    form: Format
    save_name: str | None
    label: Label | None
    warnings: tuple[str, ...]
    webhook_url: str | None = None
    base_url: str = ""
    previews: bool = False
    grid: bool = False


class TaskQueue:
    """First come, first served, one task at a time on one backend. Lives on the event loop.

    on_end: called on the loop with a task's id, once its row says that it is finished, failed or stopped.
    """

    def __init__(
        self, store: Store, outputs: Outputs, backend: Backend, on_end: Callable[[str], None] | None = None
    ) -> None:
        self._store = store
        self._keeper = Keeper(store, outputs)
        self._backend = backend
        self._on_end = on_end
        self._waiting: dict[str, Order] = {}
        self._arrived = asyncio.Event()
        self._running: dict[str, asyncio.Event] = {}  # set once the backend knows of the task
        self._ended: dict[str, asyncio.Event] = {}
        self._courses: dict[str, Course] = {}
        self._runner: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Close what an earlier run left open, and begin to serve."""
        await asyncio.to_thread(self._store.fail_unfinished, LEFT_OPEN)
        self._runner = asyncio.create_task(self._run_all())

    async def close(self) -> None:
        """Stop; tasks that are not done are closed at the next start."""
        if self._runner:
            self._runner.cancel()
            await asyncio.wait([self._runner])

    async def submit(self, order: Order) -> str:
        """Accept a task: its row is on disk when this returns its id (32 hexadecimal digits)."""
        task_id = uuid.uuid4().hex
        await asyncio.to_thread(self._store.add, _row(task_id, order))
        self._ended[task_id] = asyncio.Event()
        self._remember(task_id)
        self._waiting[task_id] = order
        self._arrived.set()
        return task_id

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
        course, images = self._courses[task_id], len(order.plan.shots)
        share = Share(images)
        told: list[str] = []
        course.tell(0, f"Preparing task 1/{images} ...")
        await asyncio.to_thread(self._store.start, task_id)
        self._running[task_id].set()
        async for event in self._backend.run(task_id, order.plan, previews=order.previews):
            match event:
                case Step():
                    message = f"Sampling step {event.step}/{event.steps}, image {event.image}/{images} ..."
                    course.tell(share.reached(event.image, event.step / event.steps), message)
                case Message():
                    course.tell(course.progress, event.text)
                case Preview():
                    course.show(event.png)
                case Skipped():
                    course.tell(share.reached(event.image), f"Skipping image {event.image}/{images} ...")
                case Picture():
                    message = f"Saving image {event.index + 1}/{images} to system ..."
                    course.tell(share.reached(event.index + 1), message)
                    told += await asyncio.to_thread(self._keeper.keep, task_id, order, event)
                case Failed():
                    log.error("Task %s failed: %s", task_id, event.message)
                    await asyncio.to_thread(self._store.fail, task_id, event.message)
                case Finished():
                    told += await asyncio.to_thread(self._keeper.keep_grid, task_id, order)
                    warnings = (*order.warnings, *order.plan.warnings, *event.warnings, *told)
                    end = self._store.stop if event.stopped else self._store.finish
                    await asyncio.to_thread(end, task_id, tuple(dict.fromkeys(warnings)))

    async def _record_failure(self, task_id: str, message: str) -> None:
        try:
            await asyncio.to_thread(self._store.fail, task_id, message)
        except Exception:  # a full disk, say: the queue must go on nevertheless
            log.exception("The failure of task %s could not be recorded.", task_id)


def _row(task_id: str, order: Order) -> TaskRow:
    """A new task's row, waiting."""
    return TaskRow(
        task_id=task_id,
        status="waiting",
        asked=dict(order.asked),
        plan=order.plan.to_json(),
        form=order.form,
        save_name=order.save_name,
        keep_metadata=order.label is not None,
        warnings=[*order.warnings, *order.plan.warnings],
        effective=order.plan.effective,
        error=None,
        webhook_url=order.webhook_url,
        base_url=order.base_url,
        queued_at=now(),
        started_at=None,
        finished_at=None,
    )
