"""The durable queue and the life of a task: a row first, then its turn, its pictures on disk, the row's end."""

import asyncio
import logging
import math
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from configs import logs
from pipelines.orders import Action
from server.attempts import TRIES, Attempts
from server.backends import Backend
from server.courses import Courses
from server.errors import NotFound, QueueFull, Stopping
from server.keeping import Keeper
from server.leaving import Leaving
from server.metrics import Metrics
from server.order import Order, new_row
from server.outputs import Outputs
from server.request_keys import RequestKey
from server.store import Store, TaskRow
from server.turns import Turns

log = logging.getLogger("gesso")

MOST_STARTS = 10 * TRIES
"""A task that was begun so often, over restarts of the server, and never ended is given up."""


class TaskQueue:
    """Tasks on one backend, in the order of `server.turns`: whose turn is next begins as soon as the backend has a seat
    for it, and nobody overtakes it. Lives on the event loop. courses: how far each task is.

    max_queue: as many may wait. on_end: called on the loop with a task's id, once its row says that it is finished,
    failed or stopped.
    again: makes a row's order again, so that the task goes on after a restart; raises ValueError where it cannot.
    """

    def __init__(
        self,
        store: Store,
        outputs: Outputs,
        backend: Backend,
        again: Callable[[TaskRow], Order],
        on_end: Callable[[str], None] | None = None,
        *,
        max_queue: int,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._keeper = Keeper(store, outputs)
        self._backend = backend
        self._metrics = metrics
        self._leaving_off = Leaving()
        self._attempts = Attempts(store, self._keeper, backend, metrics, self._leaving_off.kept)
        self._max_queue = max_queue
        self._entering = 0
        self._lasted: deque[float] = deque(maxlen=20)
        self._stopping = False
        self._closed = asyncio.Event()
        self._beside: set[asyncio.Task[object]] = set()
        self._again = again
        self._on_end = [on_end] if on_end else []
        self._waiting = Turns()
        self._arrived = asyncio.Event()
        self._running: dict[str, asyncio.Event] = {}  # set once the backend knows of the task
        self._ended: dict[str, asyncio.Future[TaskRow | None]] = {}
        self.courses = Courses(self._show)
        self._runner: asyncio.Task[None] | None = None
        self._runs: set[asyncio.Task[None]] = set()
        backend.when_room_changes(self._arrived.set)

    async def start(self) -> None:
        """Take up what an earlier run left open, and begin to serve."""
        await asyncio.to_thread(self._keeper.settle)
        for row in await asyncio.to_thread(self._store.open_tasks):
            await self._take_up(row)
        self._runner = asyncio.create_task(self._run_all())

    def tell_ends(self, on_end: Callable[[str], None]) -> None:
        """Call one more, as `on_end` is called."""
        self._on_end.append(on_end)

    async def drain(self, seconds: float) -> None:
        """Take no new work from now on; returns when each task that runs has kept an image, or the time is over.

        Whoever still waits for a task is told that it goes on after the next start.
        """
        self._stopping = True
        if self._running and self._backend.readiness().state == "ready":
            log.info("Waiting up to %.0f s for what is being painted.", seconds)
            await self._leaving_off.wait_for(self._running, seconds)
        self._closed.set()
        self.courses.break_off()

    async def close(self) -> None:
        """Stop; tasks that are not done go on at the next start."""
        for job in self._beside:
            job.cancel()
        if self._runner:
            going = [self._runner, *self._runs]
            for one in going:
                one.cancel()
            await asyncio.wait(going)

    async def submit(self, order: Order, key: RequestKey | None = None, *, waits: bool = False) -> str:
        """Accept a task: its row is on disk when this returns its id (32 hexadecimal digits).

        waits: whether the client is told nothing before its end; then its row is there for every other process, but
        comes to disk with its first picture. Raises KeyTaken where another task has the key; QueueFull, Stopping.
        """
        self.refuse_if_full()
        task_id = uuid.uuid4().hex
        logs.is_about(task_id)
        self._entering += 1
        try:
            row = new_row(task_id, order)
            lasting = key is not None or not waits
            await asyncio.to_thread(self._store.add, row, key, inputs=order.inputs, lasting=lasting)
        finally:
            self._entering -= 1
        self._line_up(task_id, order)
        return task_id

    def refuse_if_full(self) -> None:
        """Raises QueueFull while no more tasks may wait, and Stopping once none is taken any more."""
        if self._stopping:
            raise Stopping("The server is being stopped: send this again when it is back.")
        if len(self._waiting) + self._entering >= self._max_queue:
            pace = sum(self._lasted) / len(self._lasted) if self._lasted else 10
            raise QueueFull(
                f"{self._max_queue} tasks wait already, which is what --max-queue allows: send this again later.",
                retry_after_s=min(3600, max(1, math.ceil(pace))),
            )

    def cancel_when(self, task_id: str, left: Awaitable[object]) -> None:
        """Call a task off as soon as `left` is done, if it has not ended by then."""

        async def wait() -> None:
            await left
            if not self._stopping and task_id in self._ended:
                log.info("The client has gone away, and its task is called off.")
                await self.cancel(task_id)

        self._see_to(wait())

    def _see_to(self, work: Coroutine[object, object, object]) -> None:
        """Have something done beside all else, as long as the queue lives."""
        job = asyncio.create_task(work)
        self._beside.add(job)
        job.add_done_callback(self._beside.discard)

    def _line_up(self, task_id: str, order: Order) -> None:
        self._ended[task_id] = asyncio.get_running_loop().create_future()
        self.courses.begin(task_id, previews=order.previews)
        self._waiting.add(task_id, order)
        self._arrived.set()

    async def _take_up(self, row: TaskRow) -> None:
        """Line a task up that an earlier run of the server had accepted."""
        try:
            if row.starts >= MOST_STARTS:
                raise ValueError(f"it was begun {row.starts} times and never ended")
            order = await asyncio.to_thread(self._again, row)
        except Exception as error:  # whatever it is: the record tells, and the others go on
            log.exception("Task %s cannot go on.", row.task_id, extra={"task_id": row.task_id})
            message = f"The server was stopped before this task was done, and it cannot go on: {error}."
            await asyncio.to_thread(self._store.fail, row.task_id, message)
            return
        await asyncio.to_thread(self._store.wait_again, row.task_id)
        self._line_up(row.task_id, order)

    def position(self, task_id: str) -> int | None:
        """How many tasks come before a waiting one: 0 = next to run. None: it does not wait."""
        return self._waiting.position(task_id)

    async def cancel(self, task_id: str) -> bool:
        """Stop a task that waits or runs; returns once it has ended. False: it had ended by itself."""
        if self._waiting.remove(task_id):
            await asyncio.shield(self._drop(task_id))  # half of it would leave a row that waits for ever
            return True
        if task_id not in self._ended:
            return False
        await self.control("stop", task_id)
        return (await self.ended(task_id)).status == "stopped"

    async def control(self, action: Action, task_id: str | None = None) -> str | None:
        """Stop a running task, skip its current image or have it shown, by default the oldest's; a waiting one can be
        stopped, too.

        Returns at once (the worker obeys before its next denoising step) with the task's id; None: no such task runs.
        """
        if task_id and task_id in self._waiting and action == "stop":
            return task_id if await self.cancel(task_id) else None
        chosen = task_id or next(iter(self._running), "")
        if chosen not in self._running:
            return None
        await self._running[chosen].wait()
        await self._backend.control(chosen, action)
        return chosen

    def _show(self, task_id: str) -> None:
        """Have previews made from now on of a task that runs; one that waits will have them from its beginning."""
        if task_id in self._running:
            self._see_to(self.control("show", task_id))

    async def ended(self, task_id: str) -> TaskRow:
        """The row of a task accepted by this process, once it is finished, failed or stopped. Raises Stopping."""
        row = None
        if (end := self._ended.get(task_id)) is not None:
            closed = asyncio.ensure_future(self._closed.wait())
            either: list[asyncio.Future[Any]] = [end, closed]
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                closed.cancel()
            if not end.done():
                raise Stopping(
                    f"The server is being stopped; task {task_id} goes on after its next start.", task_id=task_id
                )
            row = end.result()
        if row is None and (row := await asyncio.to_thread(self._store.task, task_id)) is None:
            raise NotFound(f"Task {task_id} was deleted before its end could be told.")
        return row

    @property
    def depth(self) -> tuple[int, int]:
        """How many tasks wait, and how many run."""
        return len(self._waiting), len(self._running)

    async def _run_all(self) -> None:
        while True:
            task_id, order = await self._next()
            self._runs.add(run := asyncio.create_task(self._run(task_id, order)))
            run.add_done_callback(self._runs.discard)

    async def _run(self, task_id: str, order: Order) -> None:
        begun, status, row = time.monotonic(), "failed", None
        logs.is_about(task_id)
        log.info("The task begins.")
        try:
            status, row = await self._attempts.run(task_id, order, self.courses[task_id], self._running[task_id])
        except Exception as error:  # whatever it was: the task's record tells, the next task goes on
            log.exception("The task failed.")
            self._metrics.failures.labels(type(error).__name__).inc()
            await self._attempts.record_failure(task_id, error)
        finally:
            self._leaving_off.kept(task_id)
            self._release(task_id, row)
        lasted = time.monotonic() - begun
        self._lasted.append(lasted)
        self._metrics.run.observe(lasted)
        self._metrics.tasks.labels(status).inc()
        log.info("The task is %s after %.1f s.", status, lasted)
        self._tell_end(task_id)

    async def _next(self) -> tuple[str, Order]:
        while not self._may_begin():
            self._arrived.clear()
            await self._arrived.wait()
        task_id, order = self._waiting.next()
        self._running[task_id] = asyncio.Event()
        return task_id, order

    def _may_begin(self) -> bool:
        """Whether there is a seat for whose turn is next; it is taken then."""
        if self._stopping or not self._waiting:
            return False
        task_id, order = self._waiting.first()
        return self._backend.seat(task_id, order.plan)

    async def _drop(self, task_id: str) -> None:
        """End a task whose turn has not come."""
        try:
            await asyncio.to_thread(self._store.stop, task_id)
        finally:
            self._release(task_id)
        self._metrics.tasks.labels("stopped").inc()
        self._tell_end(task_id)

    def _release(self, task_id: str, row: TaskRow | None = None) -> None:
        """Let everybody go who waits for a task or follows it. row: as it has ended, where that is known."""
        if (begun := self._running.pop(task_id, None)) is not None:
            begun.set()
            self._backend.leave(task_id)
        self._arrived.set()
        self.courses[task_id].tell(100, "Finished", last=True)
        self._ended.pop(task_id).set_result(row)

    def _tell_end(self, task_id: str) -> None:
        for on_end in self._on_end:  # not called from here, so that what it raises does not end the queue
            asyncio.get_running_loop().call_soon(on_end, task_id)
