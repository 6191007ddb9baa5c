"""Forgetting the past as `--keep` says: tasks that ended long ago, their pictures, and what was sent for them."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from configs.keep import Keep, read
from server import paths
from server.parts import Parts
from server.patience import PatientClock
from server.removal import remove
from server.store import Past, Store, now

log = logging.getLogger("gesso")

CLOCK = "clock"
LOOK_EVERY_S = 60.0
JUST_SENT_MS = 600_000
"""A picture that was sent so lately may be meant for a task that is about to be accepted."""

NEVER_NAMED_MS = 24 * 3_600_000
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
            clock = await asyncio.to_thread(_clock, self._parts.store)
            self._job = asyncio.create_task(self._prune_for_ever(clock))

    async def close(self) -> None:
        """Stop."""
        if self._job:
            self._job.cancel()
            await asyncio.wait([self._job])

    def on_end(self) -> None:
        """A task has ended."""
        self._ended.set()

    async def _prune_for_ever(self, clock: PatientClock) -> None:
        while True:
            try:
                if gone := await asyncio.to_thread(prune, self._parts, self._keep, clock):
                    log.info("%d tasks were pruned, as --keep says.", gone)
            except (OSError, SQLAlchemyError):
                log.exception("The past could not be pruned; it is tried again.")
            self._ended.clear()
            await asyncio.sleep(1)  # many tasks that end at once are looked at once
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), LOOK_EVERY_S)


def _clock(store: Store) -> PatientClock:
    """The clock that an earlier run left; the first one has to believe what time it is."""
    told = store.choice(CLOCK)
    return PatientClock(seen=int(told["seen"]) if told else now())


def prune(parts: Parts, keep: Keep, clock: PatientClock) -> int:
    """Remove what is beyond the limits; the number of tasks. Blocks; raises OSError, SQLAlchemyError."""
    gone, today = 0, clock.now()
    parts.store.choose(CLOCK, {"seen": today})
    for past in beyond(parts.store.past(), keep, parts.outputs.folder, today):
        if row := parts.store.task(past.task_id):
            sent = parts.store.inputs_of(past.task_id)
            remove(row, parts)
            gone += 1
            _remove_inputs(parts, set(sent), today - JUST_SENT_MS)
    names = {path.name for path in parts.inputs.folder.glob("*.png")}
    _remove_inputs(parts, names, today - NEVER_NAMED_MS)
    return gone


def beyond(history: Iterable[Past], keep: Keep, outputs: Path, today: int) -> Iterator[Past]:
    """Those that shall go, of tasks from the newest to the oldest; the newest always stays. today: ms since 1970."""
    size = 0
    for number, past in enumerate(history):
        size += sum(_bytes(outputs / day / file) for day, file in past.files) if keep.size else 0
        too_old = keep.age_ms is not None and past.ended_at < today - keep.age_ms
        too_many = keep.count is not None and number >= keep.count
        if number and (too_old or too_many or (keep.size is not None and size > keep.size)):
            yield past


def _remove_inputs(parts: Parts, names: set[str], before: int) -> None:
    """Of these files in the inputs folder, those that no task names and that nobody has sent again since `before`."""
    folder = parts.inputs.folder
    for name in names - parts.store.named_inputs(names):
        path = paths.picture_file(folder, folder, name)
        if path and path.stat().st_mtime * 1000 < before:
            path.unlink(missing_ok=True)


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
