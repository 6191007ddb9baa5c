"""A worker process: holds the models, takes jobs from a pipe and tells what becomes of them."""

import logging
import os
import signal
import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from configs.settings import Settings
from masking.errors import GessoError
from masking.plans import MaskPlan
from pipelines.events import Event, Failed, Ready
from pipelines.orders import Action, Control, Quit, RunMask, RunPlan
from pipelines.plans import Plan

if TYPE_CHECKING:
    from pipelines.studio import Studio

log = logging.getLogger(__name__)


class _Ended(Exception):
    """The worker shall quit, or the server is gone."""


class _Mailbox:
    """What the server has sent. Jobs keep their order; what is said about one can be read while it is worked on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._jobs: deque[RunPlan | RunMask] = deque()
        self._said: dict[str, list[Action]] = {}

    def next_job(self) -> RunPlan | RunMask:
        """The oldest job; waits for one. Raises _Ended."""
        while not self._jobs:
            self._take()
        return self._jobs.popleft()

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
        del self._said[job]

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
            case _:
                self._said[order.job] = []
                self._jobs.append(order)


def work(connection: Connection, settings: Settings) -> None:
    """The process's main. Sends `(job, event)` pairs: job "" while loading (Message ..., then Ready or Failed).

    Then it takes RunPlan and RunMask, one after the other; a job's events end with Finished or Failed, and a failed job
    leaves the worker at work. A plan heeds a Control before its next denoising step. Returns on Quit, and when the
    other end of the pipe is gone; in the middle of a plan, too.
    """
    # Ctrl-C reaches the whole group of processes; when this one ends is the server's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        studio, mailbox = _open(connection, settings), _Mailbox(connection)
        while studio is not None:
            job = mailbox.next_job()
            _do(connection, job, studio, mailbox)
            mailbox.forget(job.job)
    except (_Ended, BrokenPipeError, ConnectionResetError):
        log.info("The worker ends.")


def _open(connection: Connection, settings: Settings) -> "Studio | None":
    """A studio with the preset's models, or None, and the reason sent, when they cannot be loaded."""
    from pipelines import planning, presets
    from pipelines.studio import Studio

    try:
        _keep_libraries_quiet()
        studio = Studio(settings)
        studio.load(
            presets.load(settings.preset, planning.user_folder(settings)), lambda event: connection.send(("", event))
        )
    except Exception as problem:  # whatever it is, the server must hear of it
        connection.send(("", _failure(problem)))
        return None
    connection.send(("", Ready()))
    return studio


def _keep_libraries_quiet() -> None:
    """No progress bars between the server's own lines, and no look at the hub: models are files here."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


def _do(connection: Connection, job: RunPlan | RunMask, studio: "Studio", mailbox: _Mailbox) -> None:
    sending = threading.Lock()  # previews are told from a thread of their own

    def tell(event: Event) -> None:
        with sending:
            connection.send((job.job, event))

    try:
        if isinstance(job, RunPlan):
            plan = Plan.from_json(job.plan_json)
            studio.run(plan, tell, said=lambda: mailbox.said_of(job.job), previews=job.previews)
        else:
            studio.mask(MaskPlan.from_json(job.plan_json), tell)
    except (_Ended, BrokenPipeError, ConnectionResetError):
        raise
    except Exception as problem:  # a job's failure is recorded, and the next one taken
        tell(_failure(problem))


def _failure(problem: Exception) -> Failed:
    if isinstance(problem, GessoError):
        return Failed(kind=type(problem).__name__, message=str(problem))
    log.exception("The worker met a problem that it does not know.")
    if isinstance(problem, MemoryError) or type(problem).__name__ == "OutOfMemoryError":
        return Failed(kind="OutOfMemory", message="The device has too little memory for this: ask for fewer pixels.")
    return Failed(kind=type(problem).__name__, message=f"{type(problem).__name__}: {problem}")
