"""Worker processes on this machine, one for each device that is used."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from masking.errors import GessoError
from pipelines import checkpoints, fitting
from pipelines.events import Event, Failed, Finished
from pipelines.fitting import Memory
from pipelines.orders import Action, Control, RunPlan, RunTool
from pipelines.plans import Plan
from pipelines.tools import ToolWork
from server.backends import WORKER_DIED, Place, Readiness
from server.devices import Post
from server.errors import NotReady
from server.metrics import Metrics
from server.seating import Seating
from server.worker import Order, Worker

START_APART_S = 120.0
"""So long a worker waits at most for the one before it, so that they do not all read their models at once."""

LOOK_AGAIN_S = 1.0
"""So often who is next is looked at while it waits for one of several workers."""


@dataclass(kw_only=True, eq=False)
class _Early:
    """What is asked of a job before it is given to a worker."""

    stopped: bool = False
    skips: int = 0
    shown: bool = False


class LocalBackend:
    """See `server.backends.Backend`. Lives on the event loop."""

    def __init__(self, posts: Sequence[Post], metrics: Metrics) -> None:
        self._settings = posts[0].settings
        self._workers = [Worker(post, number, metrics, self._tell_change) for number, post in enumerate(posts)]
        self._seating = Seating(self._workers, self._fits)
        self._early: dict[str, _Early] = {}
        self._given: dict[str, Worker] = {}
        self._desk: Worker | None = None
        self._changed = asyncio.Event()
        self._room_changed: Callable[[], None] = lambda: None
        self._reminder: asyncio.TimerHandle | None = None
        self._starting: asyncio.Task[None] | None = None
        metrics.workers = len(posts)

    async def start(self) -> None:
        self._starting = asyncio.create_task(self._start_in_turn())

    async def _start_in_turn(self) -> None:
        for worker in self._workers:
            await worker.start()
            with suppress(TimeoutError):
                await asyncio.wait_for(worker.settled(), START_APART_S)

    async def close(self) -> None:
        if self._starting:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._reminder:
            self._reminder.cancel()
        await asyncio.gather(*(worker.close() for worker in self._workers))

    @property
    def memory(self) -> Memory | None:
        known = [worker.memory for worker in self._workers if worker.memory]
        return max(known, key=lambda memory: (memory.own or 0, memory.main), default=None)

    def readiness(self) -> Readiness:
        told = [worker.readiness for worker in self._workers]
        return min(told, key=lambda each: ("ready", "loading", "broken").index(each.state))

    def places(self) -> Sequence[Place]:
        return [Place(device=worker.device, readiness=worker.readiness) for worker in self._workers]

    def seat(self, job: str, plan: Plan) -> bool:
        taken = self._seating.take(job, plan)
        if not taken and len(self._workers) > 1 and self._reminder is None:
            self._reminder = asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._remind)
        return taken

    def leave(self, job: str) -> None:
        self._seating.leave(job)
        self._tell_change()

    def when_room_changes(self, changed: Callable[[], None]) -> None:
        self._room_changed = changed

    async def run(
        self, job: str, work: Plan | ToolWork, *, previews: bool = False, at: int | None = None
    ) -> AsyncGenerator[Event]:
        early = self._early[job] = _Early()
        try:
            worker = await self._turn(job, work, at, early)
        finally:
            del self._early[job]
        if worker is None:
            yield Finished(stopped=True)
            return
        self._given[job] = worker
        try:
            orders = self._orders(job, work, previews or early.shown, early)
            async with aclosing(worker.run(job, orders)) as events:
                async for event in events:
                    if isinstance(event, Failed) and event.kind == WORKER_DIED and isinstance(work, Plan):
                        self._seating.suspect(job)
                    yield event
        finally:
            del self._given[job]
            if isinstance(work, Plan):
                self._seating.work(job, begins=False)
            self._tell_change()

    async def control(self, job: str, action: Action) -> None:
        if (early := self._early.get(job)) is not None:
            early.skips += action == "skip"
            early.stopped = early.stopped or action == "stop"
            early.shown = early.shown or action == "show"
            self._tell_change()
        elif job in self._given:
            await self._given[job].send(Control(job=job, action=action))

    async def switch(self, preset: str) -> None:
        before = self._settings.preset
        ends = await asyncio.gather(*(worker.switch(preset) for worker in self._workers), return_exceptions=True)
        wrong = [end for end in ends if isinstance(end, BaseException)]
        broken = [end for end in wrong if isinstance(end, NotReady)]  # no reason to refuse what another one has loaded
        if len(wrong) > len(broken) or len(broken) == len(ends):
            for worker in self._workers:
                worker.stay_with(before)
            raise next((end for end in wrong if not isinstance(end, NotReady)), wrong[0])
        for worker in self._workers:
            worker.stay_with(preset)
        self._settings = replace(self._settings, preset=preset)

    async def _turn(self, job: str, work: Plan | ToolWork, at: int | None, early: _Early) -> Worker | None:
        """Who does a job, once it can; None: it was stopped before."""
        while not early.stopped:
            if isinstance(work, Plan):
                worker = self._seating.turn(job)
            else:
                worker = self._workers[at] if at is not None else self._choose_desk()
            if worker and worker.state != "loading":
                return worker
            await self._changed.wait()
        return None

    def _orders(self, job: str, work: Plan | ToolWork, previews: bool, early: _Early) -> list[Order]:
        if isinstance(work, ToolWork):
            return [RunTool(job=job, tool=work.tool, plan_json=work.plan_json)]
        key = self._seating.work(job, begins=True)
        drawn = RunPlan(job=job, plan_json=work.to_json(), previews=previews, batch_key=key)
        return [drawn, *(Control(job=job, action="skip") for _ in range(early.skips))]

    def _choose_desk(self) -> Worker:
        """Where tools are used: always at the same place, whose models know the picture by now, unless that paints and
        another has nothing to do.
        """
        paints = self._seating.paints
        ready = [worker for worker in self._workers if worker.state == "ready"]
        idle = [worker for worker in ready if not worker.busy and not paints(worker)]
        if self._desk in ready and (not idle or not paints(self._desk)):
            return self._desk
        loading = [worker for worker in self._workers if worker.state == "loading"]
        self._desk = min(ready or loading or self._workers, key=lambda worker: (paints(worker), worker.busy))
        return self._desk

    def _fits(self, plan: Plan, worker: Worker) -> bool:
        """Whether there is memory for it; of workers that are all alike, none is better."""
        if worker.memory is None or len({each.memory for each in self._workers if each.memory}) < 2:
            return True
        try:
            found = checkpoints.find(plan.recipe.checkpoint, self._settings)
        except GessoError:  # which the worker will tell
            return True
        return fitting.fits(plan, found, self._settings, worker.memory)

    def _tell_change(self) -> None:
        """To all who wait for a worker, and to the queue."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self._room_changed()

    def _remind(self) -> None:
        self._reminder = None
        self._room_changed()
