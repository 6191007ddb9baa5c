"""A worker process: holds the models, takes jobs from a pipe and tells what becomes of them."""

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from configs import logs
from configs.settings import Settings
from masking.errors import GessoError
from masking.machine import is_out_of_memory
from pipelines.batch import Batch
from pipelines.easels import Easel
from pipelines.events import Company, Event, Failed, Finished, Holds, Ready, ToolDone
from pipelines.orders import Action, Control, LoadPreset, Quit, RunPlan, RunTool
from pipelines.plans import Plan
from pipelines.pulse import Pulse
from pipelines.session import Session
from pipelines.tools import tools

if TYPE_CHECKING:
    from pipelines.studio import Studio

log = logging.getLogger(__name__)

LEAVE_WITHIN_S = 10.0
"""So long a worker whose server is gone may still be at what it was at."""


class _Ended(BrokenPipeError):
    """The worker shall quit, or the server is gone; which is no job's failure."""


class _Line:
    """The way back to the server, for several threads; where the server is gone, raises what a broken pipe raises."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def tell(self, job: str, event: Event) -> None:
        with self._sending:
            self._connection.send((job, event))


class _Mailbox:
    """What the server has sent. Plans keep their order, and so do tools' jobs, which need not wait for a plan's end.

    What is said about a job can be read while it is worked on.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._plans: deque[RunPlan | LoadPreset] = deque()
        self._tools: deque[RunTool] = deque()
        self._said: dict[str, list[Action]] = {}

    def next_job(self) -> RunPlan | LoadPreset | RunTool:
        """The oldest job for a tool, else the oldest plan; waits for one. Raises _Ended."""
        while not self._plans and not self._tools:
            self._take()
        return self.next_tool() or self._plans.popleft()

    def next_to_share(self, batch_key: str) -> RunPlan | None:
        """The oldest of what waits and has been read from the pipe, if it is a plan with this key (not "")."""
        if not batch_key or not self._plans:
            return None
        if not isinstance(first := self._plans[0], RunPlan) or first.batch_key != batch_key:
            return None
        self._plans.popleft()
        return first

    def next_tool(self) -> RunTool | None:
        """The oldest job for a tool, of those that have been read from the pipe."""
        return self._tools.popleft() if self._tools else None

    def said_of(self, job: str) -> list[Action]:
        """What has been said about a job since this was last asked; does not wait. Raises _Ended."""
        try:
            while self._connection.poll():
                self._take()
        except OSError as problem:
            raise _Ended from problem
        said, self._said[job] = self._said[job], []
        return said

    def forget(self, job: str) -> None:
        """The job has ended: nothing said about it matters any more."""
        self._said.pop(job, None)

    def _take(self) -> None:
        try:
            order = self._connection.recv()
        except (EOFError, OSError) as problem:
            raise _Ended from problem
        match order:
            case Quit():
                raise _Ended
            case Control():
                if order.job in self._said:
                    self._said[order.job].append(order.action)
            case RunPlan() | LoadPreset():
                self._said[order.job] = []
                self._plans.append(order)
            case RunTool():
                self._tools.append(order)


def work(connection: Connection, settings: Settings, variables: Mapping[str, str] | None = None) -> None:
    """The process's main. Sends `(job, event)` pairs: job "" while loading (Message ..., then Ready or Failed), and for
    a Beat every second, from a thread of its own. variables: of the environment, for libraries that are imported later.

    Then it takes RunPlan and RunTool; a job's events end with Finished or Failed, and a failed job leaves the worker at
    work. Before each denoising step (each image it begins, each tile of an upscaler) a plan heeds what a Control says
    of it, makes room for one waiting tool, and has the next plan join it if that may share its passes. Job "" tells
    Company and Holds whenever they change. Returns on Quit, and when the other end of the pipe is gone; in the middle
    of a plan, too.
    """
    # Ctrl-C and a service manager's SIGTERM reach all processes; when this one ends is the server's to say.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.environ.update(variables or {})
    logs.begin(settings.log_format, settings.log_level)
    line, pulse = _Line(connection), Pulse()
    threading.Thread(target=_beat, args=(pulse, line), name="gesso-pulse", daemon=True).start()
    try:
        studio = _open(line, pulse, settings)
        if studio is not None:
            _Desk(connection, line, pulse, studio).serve()
    except ConnectionError:
        log.info("The worker ends.")


def _beat(pulse: Pulse, line: _Line) -> None:
    """Tell that the process lives; end it if the server does not, whatever it hangs in."""
    try:
        for beat in pulse.beats():
            line.tell("", beat)
    except OSError:
        time.sleep(LEAVE_WITHIN_S)
        os._exit(1)


def _open(line: _Line, pulse: Pulse, settings: Settings) -> "Studio | None":
    """A studio with the preset's models, or None, and the reason sent, when they cannot be loaded."""
    from pipelines import planning, presets, reading_ahead

    reading_ahead.begin(settings)
    from pipelines.studio import Studio

    try:
        _keep_libraries_quiet()
        studio = Studio(settings, pulse)
        studio.load(presets.load(settings.preset, planning.user_folder(settings)), partial(line.tell, ""))
    except Exception as problem:  # whatever it is, the server must hear of it
        line.tell("", _failure(problem))
        return None
    return studio


def _keep_libraries_quiet() -> None:
    """No progress bars between the server's own lines, and no look at the hub: models are files here."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


class _Desk:
    """Where jobs are taken from the mailbox and done."""

    def __init__(self, connection: Connection, line: _Line, pulse: Pulse, studio: "Studio") -> None:
        self._studio, self._pulse = studio, pulse
        self._mailbox = _Mailbox(connection)
        self._tell = line.tell
        self._company = studio.settings.max_batch or 1
        self._holds: frozenset[str] = frozenset()

    def serve(self) -> None:
        """Do job after job. Raises ConnectionError when the worker shall quit, or the server is gone."""
        self._tell_holds()
        self._tell("", Ready(memory=self._studio.memory))
        while True:
            self._pulse.enter("idle")
            match self._mailbox.next_job():
                case RunTool() as job:
                    self._use(job)
                case RunPlan() as job:
                    self._draw(job)
                case LoadPreset() as job:
                    self._load(job)

    def _draw(self, job: RunPlan) -> None:
        """A plan, and those that come to share its passes meanwhile."""
        self._pulse.enter("encode")
        with ExitStack() as stack:
            batch = None
            with self._failures_told(job.job):
                plan = Plan.from_json(job.plan_json)
                easel = stack.enter_context(self._studio.easel(plan))
                self._tell_holds()
                batch = Batch(easel, self._studio.held, left=self._left, between=self._use_one_tool)
                self._join(batch, easel, job, plan)
            while batch and batch.busy:
                batch.go_on()
                self._tell_company(batch.limit)
                if batch.is_open and (newcomer := self._mailbox.next_to_share(job.batch_key)):
                    with self._failures_told(newcomer.job):
                        self._join(batch, easel, newcomer, Plan.from_json(newcomer.plan_json))
        self._mailbox.forget(job.job)

    def _join(self, batch: Batch, easel: Easel, job: RunPlan, plan: Plan) -> None:
        batch.join(
            self._studio.session(
                plan,
                easel,
                name=job.job,
                tell=partial(self._tell, job.job),
                said=partial(self._mailbox.said_of, job.job),
                between=self._use_one_tool,
                previews=job.previews,
            )
        )

    def _left(self, session: Session, problem: Exception | None) -> None:
        self._mailbox.forget(session.name)
        if problem:
            self._tell_failure(session.name, problem)

    def _tell_company(self, most: int) -> None:
        """What the batch has found out, if it is new."""
        if most != self._company:
            self._company = most
            self._tell("", Company(most=most))

    def _tell_holds(self) -> None:
        """The checkpoints that are loaded, if they are others than before."""
        holds = frozenset(name for kind, name in self._studio.held.loaded() if kind == "checkpoint")
        if holds != self._holds:
            self._holds = holds
            self._tell("", Holds(checkpoints=holds))

    def _load(self, job: LoadPreset) -> None:
        from pipelines import planning, presets

        self._pulse.enter("load")
        with self._failures_told(job.job):
            preset = presets.load(job.preset, planning.user_folder(self._studio.settings))
            self._studio.load(preset, partial(self._tell, job.job))
            self._tell_holds()
            self._tell(job.job, Finished())
        self._mailbox.forget(job.job)

    def _use(self, job: RunTool) -> None:
        self._pulse.enter("tool")
        with self._failures_told(job.job):
            done = self._studio.held.with_room(lambda: tools()[job.tool].run(job.plan_json, self._studio))
            self._tell_holds()
            self._tell(job.job, ToolDone(content=done.content, facts=done.facts))
            self._tell(job.job, Finished())

    def _use_one_tool(self) -> None:
        """Between two steps of a batch, one tool that waits gets its turn."""
        if (waiting := self._mailbox.next_tool()) is not None:
            self._use(waiting)

    def _tell_failure(self, job: str, problem: Exception) -> None:
        with logs.about(job):
            self._tell(job, _failure(problem))

    @contextmanager
    def _failures_told(self, job: str) -> Iterator[None]:
        """A job's failure is recorded, and the next one taken; what is logged meanwhile is about the job."""
        try:
            with logs.about(job):
                yield
        except ConnectionError:
            raise
        except Exception as problem:
            self._tell_failure(job, problem)


def _failure(problem: Exception) -> Failed:
    if isinstance(problem, GessoError):
        return Failed(kind=type(problem).__name__, message=str(problem), field=problem.field)
    log.exception("The worker met a problem that it does not know.")
    if is_out_of_memory(problem):
        return Failed(kind="OutOfMemory", message="The device has too little memory for this: ask for fewer pixels.")
    return Failed(kind=type(problem).__name__, message=f"{type(problem).__name__}: {problem}")
