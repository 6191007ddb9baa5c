"""From a task's order to its pictures on disk: begun as often as its worker dies of it, with what is there already."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from masking.errors import GessoError
from pipelines.events import Failed, Finished, Message, Picture, Preview, Skipped, Step
from server.backends import WORKER_DIED, Backend
from server.keeping import Keeper
from server.labels import Labels
from server.metrics import Metrics
from server.order import Order
from server.progress import Course, Share
from server.store import Store, TaskRow, now

log = logging.getLogger("gesso")

TRIES = 3
"""As often a task is begun whose worker dies of it."""


class Attempts:
    """Of tasks that have a seat at the backend. on_image: called with the task whenever a picture is kept."""

    def __init__(
        self, store: Store, keeper: Keeper, backend: Backend, metrics: Metrics, on_image: Callable[[str], None]
    ) -> None:
        self._store, self._keeper, self._backend = store, keeper, backend
        self._metrics = metrics
        self._on_image = on_image

    async def run(self, task_id: str, order: Order, course: Course, given: asyncio.Event) -> tuple[str, TaskRow | None]:
        """Run a task to its end; its status then, and its row, where that is known.

        given: set once the backend is about to be given it.
        """
        images = len(order.plan.shots)
        course.tell(course.progress, f"Preparing task 1/{images} ...")
        told: list[str] = []
        for attempt in range(1, TRIES + 1):
            begun = await asyncio.to_thread(self._store.start, task_id)
            if begun and attempt == 1 and begun.starts == 1:
                self._metrics.wait.observe(max(0, now() - begun.queued_at) / 1000)
            skipped = list(begun.skipped) if begun else []
            there = begun.there if begun else frozenset[int]()
            end = await self._attempt(task_id, order, there, skipped, course, given, told)
            if isinstance(end, Finished):
                return await self._finish(task_id, order, end, skipped, told)
            log.error("The task failed: %s", end.message)
            self._metrics.failures.labels(end.kind).inc()
            if end.kind != WORKER_DIED or attempt == TRIES:
                fail = partial(self._store.fail, task_id, end.message, cause=end.kind, field=end.field)
                await asyncio.to_thread(fail)
                break
            told.append(f"{end.message} The task was begun again ({attempt}).")
            course.tell(course.progress, "The worker process ended; beginning again ...")
        return "failed", None

    async def _finish(
        self, task_id: str, order: Order, end: Finished, skipped: Sequence[int], told: list[str]
    ) -> tuple[str, TaskRow | None]:
        if order.grid:
            told += await asyncio.to_thread(self._keeper.keep_grid, task_id, order)
        images = len(order.plan.shots)
        left_out = [f"Image {index + 1} of {images} was skipped on request." for index in skipped]
        warnings = (*order.warnings, *order.plan.warnings, *left_out, *end.warnings, *told)
        close = self._store.stop if end.stopped else self._store.finish
        row = await asyncio.to_thread(close, task_id, tuple(dict.fromkeys(warnings)))
        return "stopped" if end.stopped else "finished", row

    async def _attempt(
        self,
        task_id: str,
        order: Order,
        there: frozenset[int],
        skipped: list[int],
        course: Course,
        given: asyncio.Event,
        told: list[str],
    ) -> Finished | Failed:
        """Have the backend make the pictures that are still missing; what it ended with.

        Those that are skipped join `skipped`, and warnings `told`.
        """
        images = len(order.plan.shots)
        done = there | set(skipped)
        missing = [index for index in range(images) if index not in done]
        share, last_step = Share(images), (0, 0.0)
        for index in done & set(range(images)):
            course.tell(share.reached(index + 1), f"Image {index + 1}/{images} is there ...")
        given.set()
        if not missing:
            return Finished()
        labels = Labels(order.label)
        asyncio.get_running_loop().call_soon(labels.prepare, missing[0])  # once the worker has been told what to do
        plan = replace(order.plan, shots=tuple(order.plan.shots[index] for index in missing))
        async with aclosing(self._backend.run(task_id, plan, previews=course.wants_previews)) as events:
            async for event in events:
                match event:
                    case Step():
                        image = missing[event.image - 1] + 1
                        message = f"Sampling step {event.step}/{event.steps}, image {image}/{images} ..."
                        course.tell(share.reached(image, event.step / event.steps), message)
                        if last_step[0] == image:
                            self._metrics.step.observe(time.monotonic() - last_step[1])
                        last_step = (image, time.monotonic())
                    case Message():
                        course.tell(course.progress, event.text)
                    case Preview():
                        course.show(event.png)
                    case Skipped():
                        index = missing[event.image - 1]
                        await asyncio.to_thread(self._store.skip, task_id, index)
                        skipped.append(index)
                        course.tell(share.reached(index + 1), f"Skipping image {index + 1}/{images} ...")
                    case Picture():
                        picture = replace(event, index=missing[event.index])
                        message = f"Saving image {picture.index + 1}/{images} to system ..."
                        course.tell(share.reached(picture.index + 1), message)
                        try:
                            texts = await labels.of(picture.index)
                            told += await asyncio.to_thread(self._keeper.keep, task_id, order, picture, texts)
                        except BaseException:  # a full disk, say: the other images would be painted for nothing
                            await self._backend.control(task_id, "stop")
                            raise
                        if later := [index for index in missing if index > picture.index]:
                            labels.prepare(later[0])
                        self._metrics.images.inc()
                        self._on_image(task_id)
                    case Failed() | Finished():
                        return event
        raise RuntimeError("the backend told no end")

    async def record_failure(self, task_id: str, error: Exception) -> None:
        """Say in the task's row that it failed, if that can be done."""
        name = type(error).__name__
        message = str(error) if isinstance(error, GessoError) else f"{name}: {error}"
        try:
            await asyncio.to_thread(partial(self._store.fail, task_id, message, cause=name))
        except Exception:  # a full disk, say: the queue must go on nevertheless
            log.exception("The failure of the task could not be recorded.")
