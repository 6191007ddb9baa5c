"""One worker process on this machine. It is started again when it dies; the jobs it had then fail, others do not.

One that hangs is ended, see `server.watch`.
"""

import asyncio
import logging
import threading
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from pipelines.events import Beat, Company, Event, Failed, Finished, Holds, Message, Ready
from pipelines.fitting import Memory
from pipelines.orders import Control, LoadPreset, RunPlan, RunTool
from server import processes
from server.backends import WORKER_DIED, Readiness
from server.devices import Post
from server.errors import NotReady, told
from server.metrics import Metrics
from server.watch import LOOK_EVERY_S, Watch

log = logging.getLogger("gesso")

Order = RunPlan | RunTool | LoadPreset | Control

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


class Worker:
    """Everything here runs on the event loop, except `_listen`.

    number: among all workers, from 0. changed: called when it can do more or less than before. state: whether its
    process has the models; what is given to it otherwise fails. holds: the checkpoints that are loaded there.
    company: so many plans of one batch key may be at work together. memory: None until the models were loaded once.
    """

    def __init__(self, post: Post, number: int, metrics: Metrics, changed: Callable[[], None]) -> None:
        self.device, self.number = post.device, number
        self.memory: Memory | None = None
        self.holds: frozenset[str] = frozenset()
        self.company = post.settings.max_batch or 1
        self._settings, self._variables = post.settings, post.variables
        self._metrics, self._changed = metrics, changed
        self._where = f" on {post.device} (worker {number})" if post.device else ""
        self._jobs: dict[str, asyncio.Queue[Event]] = {}
        self._sending = asyncio.Lock()
        self._now = STARTING
        self._settled = asyncio.Event()
        self._deaths = 0
        self._refused = False
        self._watch = Watch(self._settings.step_timeout)
        self._hurry = asyncio.Event()
        self._switching = ""
        self._attempt = self._settings.preset
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to load; returns at once."""
        self._keeper = asyncio.create_task(self._keep_alive())

    async def close(self) -> None:
        """End the process."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._process and self._pipe:
            await asyncio.to_thread(processes.end, self._process, self._pipe)

    @property
    def state(self) -> str:
        """ "loading", "ready" or "broken"; ready also while another preset is loaded."""
        return self._now.state

    @property
    def readiness(self) -> Readiness:
        """For people: whether what is given to it now would wait."""
        if self._switching and self._now.state == "ready":
            return Readiness(state="loading", reason=self._switching)
        return self._now

    @property
    def busy(self) -> int:
        """How many jobs it has."""
        return len(self._jobs)

    async def settled(self) -> None:
        """Returns once it is ready or broken."""
        while self._now.state == "loading":
            await self._settled.wait()

    async def switch(self, preset: str) -> None:
        """Load a preset's models after the plans it was given, and from now on at each start; see `Backend.switch`."""
        before = self._settings
        if self._now.state == "broken":  # the next start of the process need not fail as the ones before
            self.stay_with(preset)
            self._now = STARTING
            self._settled.clear()
            self._deaths = 0
            self._hurry.set()
        self._switching = f"Preset {preset} is loaded as soon as the task that runs has ended."
        job = uuid.uuid4().hex
        try:
            await self.settled()
            async for event in self.run(job, [LoadPreset(job=job, preset=preset)]):
                if isinstance(event, Message):
                    self._switching = event.text
                elif isinstance(event, Failed):
                    raise told(event)
        except BaseException:
            self.stay_with(before.preset)
            raise
        finally:
            self._switching = ""
        self.stay_with(preset)

    def stay_with(self, preset: str) -> None:
        """Load this one's models at the next start."""
        self._settings = replace(self._settings, preset=preset)

    async def run(self, job: str, orders: Sequence[Order]) -> AsyncGenerator[Event]:
        """Send the orders that make a job; its events, of which the last is Finished or Failed. Raises NotReady."""
        if self._now.state != "ready":
            raise NotReady(self._now.reason)
        events = self._jobs[job] = asyncio.Queue()
        try:
            for order in orders:
                await self.send(order)
            while True:
                event = await events.get()
                yield event
                if isinstance(event, Finished | Failed):
                    return
        finally:
            del self._jobs[job]

    async def send(self, order: Order) -> None:
        """One after the other, for a pipe is no safe place for two writers."""
        async with self._sending:
            assert self._process
            assert self._pipe
            process = self._process
            try:
                await asyncio.to_thread(self._pipe.send, order)
            except OSError:  # its end is told once it is noticed, so that one death is one attempt of a task
                with suppress(ValueError):  # the server ends, and has closed it
                    process.kill()

    async def _keep_alive(self) -> None:
        """Start the process, wait for its end, tell its jobs, and again; slower each time that it cannot load.

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
        process, self._pipe = await asyncio.to_thread(processes.spawn, self._settings, self._variables)
        self._process = process
        self._metrics.restarts.inc()
        ended = asyncio.Event()
        listener = (self._pipe, asyncio.get_running_loop(), ended)
        threading.Thread(target=self._listen, args=listener, name="gesso-worker-events", daemon=True).start()
        why = await self._until_it_ends(process, ended)
        was_ready = self._now.state == "ready"
        if was_ready:
            log.error("%s%s", why, self._where)
            self._now, self.holds = Readiness(state="loading", reason=why), frozenset()
            self._settled.clear()
        elif not self._refused:
            self._died(f"The models could not be loaded: {why}")
        for job in list(self._jobs):
            self._deliver(job, Failed(kind=WORKER_DIED, message=why))
        self._changed()
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
        log.error("%s%s", why, self._where)
        if self._now.state == "loading":
            self._now = Readiness(state="loading", reason=why)

    def _break(self, reason: str) -> None:
        """Refuse work from now on, until a later attempt is ready; not where that is one with another preset."""
        if self._attempt != self._settings.preset:
            return
        self._now = Readiness(state="broken", reason=reason)
        self._settled.set()
        log.error("%s%s", reason, self._where)
        self._changed()

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
                self._metrics.heard(event, self.number)
            case Company():
                self.company = event.most
                self._changed()
            case Holds():
                self.holds = event.checkpoints
                self._changed()
            case Ready():
                self.memory = event.memory
                self._now = Readiness(state="ready")
                self._deaths = 0
                self._settled.set()
                log.info("The models are ready%s.", self._where)
                self._changed()
            case Failed():
                self._refused, self._deaths = True, 0
                self._break(f"The models could not be loaded: {event.message}")
            case Message() if self._now.state == "loading":
                self._now = Readiness(state="loading", reason=event.text)
