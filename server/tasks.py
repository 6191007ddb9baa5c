"""The durable queue and the life of a task: a row first, then its turn, its pictures on disk, the row's end."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from pipelines.events import Failed, Finished, Picture, Step
from pipelines.plans import Plan
from server.backends import Backend
from server.outputs import Format, Outputs
from server.progress import Course, Moment
from server.store import PictureRow, Store, TaskRow, now

log = logging.getLogger("gesso")

MOST_COURSES = 500
"""As many ended tasks can still be followed from their beginning."""

LEFT_OPEN = "The server was stopped before this task was done."


@dataclass(frozen=True, kw_only=True)
class Order:
    """A decided request, as a facade hands it to the queue. `asked` is what its record shows of the request."""

    plan: Plan
    asked: Mapping[str, Any]
    form: Format
    save_name: str | None
    keep_metadata: bool
    warnings: tuple[str, ...]


class TaskQueue:
    """First come, first served, one task at a time on one backend."""

    def __init__(self, store: Store, outputs: Outputs, backend: Backend) -> None:
        self._store = store
        self._outputs = outputs
        self._backend = backend
        self._waiting: asyncio.Queue[tuple[str, Order]] = asyncio.Queue()
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
        self._waiting.put_nowait((task_id, order))
        return task_id

    async def ended(self, task_id: str) -> TaskRow:
        """The row of a task accepted by this process, once it is finished, failed or stopped."""
        if (end := self._ended.get(task_id)) is not None:
            await end.wait()
        row = await asyncio.to_thread(self._store.task, task_id)
        assert row
        return row

    def progress(self, task_id: str) -> int:
        """How far a running task is, 0 to 100."""
        return self._courses[task_id].progress if task_id in self._courses else 0

    async def follow(self, task_id: str, after: int = 0) -> AsyncIterator[Moment]:
        """The moments of a task after number `after`; of one that ended long ago, its end alone."""
        if task_id not in self._courses:
            yield Moment(number=after + 1, progress=100, message="Finished", last=True)
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
            task_id, order = await self._waiting.get()
            try:
                await self._run(task_id, order)
            except Exception as error:  # whatever it was: the task's record tells, the next task goes on
                log.exception("Task %s failed.", task_id)
                await self._record_failure(task_id, f"{type(error).__name__}: {error}")
            finally:
                self._courses[task_id].tell(100, "Finished", last=True)
                self._ended.pop(task_id).set()

    async def _run(self, task_id: str, order: Order) -> None:
        course, images = self._courses[task_id], len(order.plan.shots)
        course.tell(0, f"Preparing task 1/{images} ...")
        await asyncio.to_thread(self._store.start, task_id)
        async for event in self._backend.run(task_id, order.plan):
            match event:
                case Step():
                    done = (event.image - 1) * event.steps + event.step
                    message = f"Sampling step {event.step}/{event.steps}, image {event.image}/{event.images} ..."
                    progress = min(99, 100 * done // (event.images * event.steps))
                    course.tell(max(progress, course.progress), message)
                case Picture():
                    course.tell(course.progress, f"Saving image {event.index + 1}/{images} to system ...")
                    await asyncio.to_thread(self._keep, task_id, order, event)
                case Failed():
                    log.error("Task %s failed: %s", task_id, event.message)
                    await asyncio.to_thread(self._store.fail, task_id, event.message)
                case Finished():
                    warnings = (*order.warnings, *order.plan.warnings, *event.warnings)
                    await asyncio.to_thread(self._store.finish, task_id, tuple(dict.fromkeys(warnings)))

    async def _record_failure(self, task_id: str, message: str) -> None:
        try:
            await asyncio.to_thread(self._store.fail, task_id, message)
        except Exception:  # a full disk, say: the queue must go on nevertheless
            log.exception("The failure of task %s could not be recorded.", task_id)

    def _keep(self, task_id: str, order: Order, picture: Picture) -> None:
        """File first, row second: a row never names a file that is not there."""
        size = (picture.width, picture.height)
        metadata = None
        if order.keep_metadata:
            told = {name: value for name, value in order.plan.effective.items() if name != "seeds"}
            metadata = told | {"seed": picture.seed, "width": picture.width, "height": picture.height}
        name = f"{order.save_name}-{picture.index}" if order.save_name else None
        image = Image.frombytes("RGB", size, picture.image)
        saved = self._outputs.save(image, form=order.form, metadata=metadata, name=name)
        self._store.add_picture(
            PictureRow(
                task_id=task_id,
                position=picture.index,
                day=saved.day,
                file=saved.file,
                seed=picture.seed,
                width=saved.width,
                height=saved.height,
                prompt=order.plan.recipe.prompt,
            )
        )


def _row(task_id: str, order: Order) -> TaskRow:
    """A new task's row, waiting."""
    return TaskRow(
        task_id=task_id,
        status="waiting",
        asked=dict(order.asked),
        plan=order.plan.to_json(),
        form=order.form,
        save_name=order.save_name,
        keep_metadata=order.keep_metadata,
        warnings=[*order.warnings, *order.plan.warnings],
        effective=order.plan.effective,
        error=None,
        queued_at=now(),
        started_at=None,
        finished_at=None,
    )
