"""One worker process on this machine. It is started again when it dies; the job it had then fails, others do not.

One that hangs is ended, see `server.watch`.
"""

import asyncio
import logging
import threading
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from configs.settings import Settings
from pipelines.events import Beat, Company, Event, Failed, Finished, Message, Ready
from pipelines.fitting import Memory
from pipelines.orders import Action, Control, LoadPreset, RunPlan, RunTool
from pipelines.plans import Plan
from pipelines.tools import ToolWork
from server import processes
from server.backends import WORKER_DIED, Readiness
from server.errors import NotReady, told
from server.metrics import Metrics
from server.watch import LOOK_EVERY_S, Watch

log = logging.getLogger("gesso")

STARTING = Readiness(state="loading", reason="The models are being loaded.")
GONE = "The worker process ended unexpectedly; it is being started again."
SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
MOST_DEATHS = 3
"""So often in a row a worker may end while it loads; then it is not started again unless somebody asks for it."""

WAY_OUT = (
    f"That happened {MOST_DEATHS} times in a row, so it is not tried again until a preset is activated, this one or "
    "another (POST /v1/engines/presets/<name>/activate), or the server is started anew."
)


@dataclass(kw_only=True, eq=False)
class _Early:
    """What is asked of a job while it still waits for its turn. alone: whether it has the one of who is to be alone."""

    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    skips: int = 0
    alone: bool = False


class LocalBackend:
    """See `server.backends.Backend`. Everything here runs on the event loop, except `_listen`."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self.memory: Memory | None = None
        self._early: dict[str, _Early] = {}
        self._jobs: dict[str, asyncio.Queue[Event]] = {}
        self._alone = asyncio.Lock()
        self._company = settings.max_batch or 1
        self._company_changed: Callable[[], None] = lambda: None
        self._sending = asyncio.Lock()
        self._now = STARTING
        self._settled = asyncio.Event()
        self._deaths = 0
        self._refused = False
        self._watch = Watch(settings.step_timeout)
        self._hurry = asyncio.Event()
        self._switching = ""
        self._attempt = settings.preset
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep_alive())

    async def close(self) -> None:
        if self._keeper:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._process and self._pipe:
            await asyncio.to_thread(processes.end, self._process, self._pipe)

    def readiness(self) -> Readiness:
        if self._switching and self._now.state == "ready":
            return Readiness(state="loading", reason=self._switching)
        return self._now

    @property
    def company(self) -> int:
        return self._company

    def when_company_changes(self, changed: Callable[[], None]) -> None:
        self._company_changed = changed

    async def switch(self, preset: str) -> None:
        before = self._settings
        if self._now.state == "broken":  # the next start of the worker need not fail as the ones before
            self._settings = replace(before, preset=preset)
            self._now = STARTING
            self._settled.clear()
            self._deaths = 0
            self._hurry.set()
        self._switching = f"Preset {preset} is loaded as soon as the task that runs has ended."
        job = uuid.uuid4().hex
        try:
            async for event in self.run(job, LoadPreset(job=job, preset=preset)):
                if isinstance(event, Message):
                    self._switching = event.text
                elif isinstance(event, Failed):
                    raise told(event)
        except BaseException:
            self._settings = before
            raise
        finally:
            self._switching = ""
        self._settings = replace(before, preset=preset)

    async def run(
        self, job: str, work: Plan | ToolWork | LoadPreset, *, previews: bool = False, alone: bool = False
    ) -> AsyncGenerator[Event]:
        early = await self._wait_for_turn(job, alone)
        if early.stopped.is_set():
            self._give_turn(early)
            yield Finished(stopped=True)
            return
        if self._now.state == "broken":
            self._give_turn(early)
            raise NotReady(self._now.reason)
        events = self._jobs[job] = asyncio.Queue()
        try:
            if isinstance(work, ToolWork):
                await self._send(RunTool(job=job, tool=work.tool, plan_json=work.plan_json))
            elif isinstance(work, LoadPreset):
                await self._send(work)
            else:
                key = "" if alone else work.batch_key
                await self._send(RunPlan(job=job, plan_json=work.to_json(), previews=previews, batch_key=key))
            for _ in range(early.skips):
                await self._send(Control(job=job, action="skip"))
            while True:
                event = await events.get()
                yield event
                if isinstance(event, Finished | Failed):
                    return
        finally:
            del self._jobs[job]
            self._give_turn(early)

    async def control(self, job: str, action: Action) -> None:
        if (early := self._early.get(job)) is not None:
            early.skips += action == "skip"
            if action == "stop":
                early.stopped.set()
        elif job in self._jobs:
            await self._send(Control(job=job, action=action))

    async def _wait_for_turn(self, job: str, alone: bool) -> _Early:
        """Until the models are loaded or cannot be, and nobody else works who is to be alone; or the job is stopped."""
        early = self._early[job] = _Early()
        turn = asyncio.ensure_future(self._take_turn(early, alone))
        stopped = asyncio.ensure_future(early.stopped.wait())
        try:
            await asyncio.wait([turn, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._early[job]
            for wait in (turn, stopped):
                wait.cancel()
        return early

    async def _take_turn(self, early: _Early, alone: bool) -> None:
        if alone:
            await self._alone.acquire()
            early.alone = True
        await self._settled.wait()

    def _give_turn(self, early: _Early) -> None:
        if early.alone:
            self._alone.release()

    async def _send(self, order: RunPlan | RunTool | LoadPreset | Control) -> None:
        """One after the other, for a pipe is no safe place for two writers."""
        async with self._sending:
            assert self._pipe
            try:
                await asyncio.to_thread(self._pipe.send, order)
            except OSError:
                self._deliver(order.job, Failed(kind=WORKER_DIED, message=GONE))

    async def _keep_alive(self) -> None:
        """Start the worker, wait for its end, tell its jobs, and again; slower each time that it cannot load.

        One that dies of loading stays down, so that it does not bring the machine down with it.
        """
        pause = SHORTEST_PAUSE_S
        while True:
            try:
                started = await self._serve_once()
            except OSError as error:
                self._died(f"The worker process could not be started: {error}.")
                started = False
            pause = SHORTEST_PAUSE_S if started else min(pause * 2, LONGEST_PAUSE_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), None if self._deaths >= MOST_DEATHS else pause)
            self._hurry.clear()

    async def _serve_once(self) -> bool:
        """The life of one process; whether it ever was ready."""
        self._attempt, self._refused = self._settings.preset, False
        process, self._pipe = await asyncio.to_thread(processes.spawn, self._settings)
        self._process = process
        self._metrics.restarts.inc()
        ended = asyncio.Event()
        listener = (self._pipe, asyncio.get_running_loop(), ended)
        threading.Thread(target=self._listen, args=listener, name="gesso-worker-events", daemon=True).start()
        why = await self._until_it_ends(process, ended)
        was_ready = self._now.state == "ready"
        if was_ready:
            log.error(why)
            self._now = Readiness(state="loading", reason=why)
            self._settled.clear()
        elif not self._refused:
            self._died(f"The models could not be loaded: {why}")
        for job in list(self._jobs):
            self._deliver(job, Failed(kind=WORKER_DIED, message=why))
        return was_ready

    async def _until_it_ends(self, process: SpawnProcess, ended: asyncio.Event) -> str:
        """Wait for a process to end, or end it when it hangs; the reason as a sentence."""
        watch = self._watch = Watch(self._settings.step_timeout)
        wrong: str | None = None
        while not ended.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), LOOK_EVERY_S)
            if not ended.is_set() and (wrong := watch.look()):
                process.kill()
                await ended.wait()
        code = await asyncio.to_thread(processes.exit_code, process)
        return wrong or f"{GONE} Its exit code was {code}."

    def _died(self, why: str) -> None:
        """Of its loading, or before."""
        self._deaths += 1
        if self._deaths >= MOST_DEATHS:
            self._break(f"{why} {WAY_OUT}")
            return
        log.error(why)
        if self._now.state == "loading":
            self._now = Readiness(state="loading", reason=why)

    def _break(self, reason: str) -> None:
        """Refuse work from now on, until a later attempt is ready; not where that is one with another preset."""
        if self._attempt != self._settings.preset:
            return
        self._now = Readiness(state="broken", reason=reason)
        self._settled.set()
        log.error(reason)

    def _listen(self, pipe: Connection, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
        """In a thread: hand every event to the loop until the pipe breaks."""
        try:
            while True:
                job, event = pipe.recv()
                loop.call_soon_threadsafe(self._deliver, job, event)
        except (EOFError, OSError, RuntimeError):
            log.debug("The pipe to the worker process is closed.")
        finally:
            with suppress(RuntimeError):  # the loop is closed: so is the server
                loop.call_soon_threadsafe(ended.set)

    def _deliver(self, job: str, event: Event) -> None:
        match event:
            case _ if job:
                if job in self._jobs:
                    self._jobs[job].put_nowait(event)
            case Beat():
                self._watch.heard(event)
                self._metrics.heard(event)
            case Company():
                self._company = event.most
                self._company_changed()
            case Ready():
                self.memory = event.memory
                self._now = Readiness(state="ready")
                self._deaths = 0
                self._settled.set()
                log.info("The models are ready.")
            case Failed():
                self._refused, self._deaths = True, 0
                self._break(f"The models could not be loaded: {event.message}")
            case Message() if self._now.state == "loading":
                self._now = Readiness(state="loading", reason=event.text)
