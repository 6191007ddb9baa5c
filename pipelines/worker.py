"""A worker process: holds the models, takes jobs from a pipe and tells what becomes of them."""

import logging
import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from configs.settings import Settings
from masking.errors import GessoError
from masking.plans import MaskPlan
from pipelines.events import Event, Failed, Ready
from pipelines.plans import Plan

if TYPE_CHECKING:
    from pipelines.studio import Studio

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """Draw a plan (`Plan.to_json()`)."""

    job: str
    plan_json: str


@dataclass(frozen=True, kw_only=True)
class RunMask:
    """Make a mask (`MaskPlan` as JSON)."""

    job: str
    plan_json: str


@dataclass(frozen=True, kw_only=True)
class Quit:
    """End the process."""


def work(connection: Connection, settings: Settings) -> None:
    """The process's main. Sends `(job, event)` pairs: job "" while loading (Message ..., then Ready or Failed).

    Then it takes RunPlan and RunMask, one after the other; a job's events end with Finished or Failed, and a failed job
    leaves the worker at work. Returns on Quit, and when the other end of the pipe is gone.
    """
    # Ctrl-C reaches the whole group of processes; when this one ends is the server's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        studio = _open(connection, settings)
        while studio is not None:
            job = connection.recv()
            if isinstance(job, Quit):
                return
            _do(connection, job, studio)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        log.info("The server is gone; the worker ends.")


def _open(connection: Connection, settings: Settings) -> "Studio | None":
    """A studio with the preset's models, or None, and the reason sent, when they cannot be loaded."""
    from pipelines import presets
    from pipelines.studio import Studio

    try:
        _keep_libraries_quiet()
        studio = Studio(settings)
        studio.load(presets.load(settings.preset), lambda event: connection.send(("", event)))
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


def _do(connection: Connection, job: RunPlan | RunMask, studio: "Studio") -> None:
    def tell(event: Event) -> None:
        connection.send((job.job, event))

    try:
        if isinstance(job, RunPlan):
            studio.run(Plan.from_json(job.plan_json), tell)
        else:
            studio.mask(MaskPlan.from_json(job.plan_json), tell)
    except (BrokenPipeError, ConnectionResetError):
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
