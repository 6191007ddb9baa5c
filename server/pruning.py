"""Forgetting the past as `--keep` says: tasks that ended long ago, their pictures, and what was sent for them."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from configs.keep import Keep, read
from server import paths
from server.parts import Parts
from server.removal import remove
from server.store import Past, now

log = logging.getLogger("gesso")

LOOK_EVERY_S = 60.0
JUST_SENT_S = 600
"""A picture that was sent so lately may be meant for a task that is about to be accepted."""

NEVER_NAMED_S = 24 * 3600
"""So long a picture is kept that was sent, and that no task named."""


class Pruner:
    """Looks after each task's end, and every minute. Does nothing where everything is kept."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._keep = read(parts.settings.keep)
        self._ended = asyncio.Event()
        self._job: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; returns at once."""
        if not self._keep.everything:
            self._job = asyncio.create_task(self._prune_for_ever())

    async def close(self) -> None:
        """Stop."""
        if self._job:
            self._job.cancel()
            await asyncio.wait([self._job])

    def on_end(self) -> None:
        """A task has ended."""
        self._ended.set()

    async def _prune_for_ever(self) -> None:
        while True:
            try:
                if gone := await asyncio.to_thread(prune, self._parts, self._keep):
                    log.info("%d tasks were pruned, as --keep says.", gone)
            except (OSError, SQLAlchemyError):
                log.exception("The past could not be pruned; it is tried again.")
            self._ended.clear()
            await asyncio.sleep(1)  # many tasks that end at once are looked at once
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), LOOK_EVERY_S)


def prune(parts: Parts, keep: Keep) -> int:
    """Remove what is beyond the limits; the number of tasks. Blocks; raises OSError, SQLAlchemyError."""
    gone = 0
    for past in beyond(parts.store.past(), keep, parts.outputs.folder):
        if row := parts.store.task(past.task_id):
            sent = [kept.file for kept in row.inputs]
            remove(row, parts)
            gone += 1
            _remove_inputs(parts, set(sent), JUST_SENT_S)
    names = {path.name for path in parts.inputs.folder.glob("*.png")}
    _remove_inputs(parts, names, NEVER_NAMED_S)
    return gone


def beyond(history: Iterable[Past], keep: Keep, outputs: Path) -> Iterator[Past]:
    """Those that shall go, of tasks from the newest to the oldest; the newest always stays."""
    size = 0
    for number, past in enumerate(history):
        size += sum(_bytes(outputs / day / file) for day, file in past.files) if keep.size else 0
        too_old = keep.age_ms is not None and past.ended_at < now() - keep.age_ms
        too_many = keep.count is not None and number >= keep.count
        if number and (too_old or too_many or (keep.size is not None and size > keep.size)):
            yield past


def _remove_inputs(parts: Parts, names: set[str], idle_s: float) -> None:
    """Of these files in the inputs folder, those that no task names and that nobody sent again lately."""
    folder = parts.inputs.folder
    for name in names - parts.store.named_inputs(names):
        path = paths.picture_file(folder, folder, name)
        if path and time.time() - path.stat().st_mtime > idle_s:
            path.unlink(missing_ok=True)


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
