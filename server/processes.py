"""A worker process on this machine, from its start to its end."""

import logging
import multiprocessing
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from configs.settings import Settings
from pipelines.orders import Quit
from pipelines.worker import work

log = logging.getLogger("gesso")

QUIT_WITHIN_S = 3.0


def spawn(settings: Settings, variables: Mapping[str, str]) -> tuple[SpawnProcess, Connection]:
    """A fresh process ("spawn": the same on Linux, Windows and Mac) and our end of the pipe to it.

    variables: what its environment has beside ours.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, settings, dict(variables)), name="gesso-worker", daemon=True)
    process.start()
    theirs.close()
    return process, ours


def exit_code(process: SpawnProcess) -> int | None:
    process.join(10)
    if process.is_alive():  # it closed the pipe and stays: of no use any more
        process.kill()
        process.join()
    return process.exitcode


def end(process: SpawnProcess, pipe: Connection) -> None:
    """Ask the process to quit, and see that it does."""
    try:
        pipe.send(Quit())
    except OSError:
        log.debug("The worker process was gone already.")
    process.join(QUIT_WITHIN_S)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()
    pipe.close()
