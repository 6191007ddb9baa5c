"""What is loaded where: checkpoints, mask models and all others, each loaded once; and what goes when room is short."""

import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TypeVar, cast

from configs.amounts import amount
from configs.settings import Vram
from masking import placement
from masking.errors import InUse
from masking.machine import Machine, is_out_of_memory
from masking.placement import Placement
from masking.weighing import modules, weigh

log = logging.getLogger(__name__)

T = TypeVar("T")

Key = tuple[str, str]
"""A kind ("checkpoint", "segmenter", …) and a name."""

Stamp = tuple[int, int, int]
"""Of a file, or of all files in a folder: bytes, the newest change in ns since 1970, and a hash of what each of them is
called, how large it is and when it changed, which is another one in another process.
"""

RESERVE = 2**30
"""Bytes that are left free for computing wherever memory is measured."""


@dataclass(frozen=True, kw_only=True)
class Resident:
    """One loaded model as it is told. bytes: of all its tensors; on_device: of those that lie on the device.

    place: "device", "main" (in main memory, to come back), "parts" or "layers" (on the device as they are needed).
    used_at: milliseconds since 1970.
    """

    kind: str
    name: str
    bytes: int
    on_device: int
    place: str
    used_at: int
    in_use: bool


@dataclass(kw_only=True, eq=False)
class _Held:
    thing: object
    stamp: Stamp | None
    placed: Placement | None = "whole"  # None: in main memory
    users: int = 0
    used_at: float = 0.0


class Residency:
    """Holds loaded models by key. Safe to use from several threads; one model loads at a time.

    limit: an amount of `configs.amounts`, the most bytes that models take on the machine's device. Who was used least
    recently leaves first: to the main memory where the device has its own, else, and from there, altogether.
    """

    def __init__(self, machine: Machine | None = None, *, vram: Vram = "auto", limit: str = "100%") -> None:
        self.machine = machine or Machine("cpu")
        self.vram: Vram = vram
        self._limit = limit
        self._held: OrderedDict[Key, _Held] = OrderedDict()
        self._sizes: dict[Key, int] = {}
        self._lock = RLock()
        self._hits = self._misses = 0

    def get(self, key: Key, load: Callable[[], T], *, file: Path | None = None, in_parts: bool = False) -> T:
        """What lies under `key`, on the device; loaded where it is not there yet, or where its `file` has changed.

        in_parts: `load` leaves it in main memory, and it may lie on the device part by part. Whatever `load` raises is
        raised, and nothing is kept.
        """
        with self._lock:
            held = self._current(key, file)
            self._hits, self._misses = self._hits + (held is not None), self._misses + (held is None)
            if held is None:
                held = self._load(key, load, file, in_parts)
            if held.placed is None:
                held.users += 1  # it must not leave to make room for itself
                try:
                    self._seat(held, in_parts)
                finally:
                    held.users -= 1
            held.used_at = time.time()
            self._held.move_to_end(key)
            return cast(T, held.thing)

    @contextmanager
    def using(
        self, key: Key, load: Callable[[], T], *, file: Path | None = None, in_parts: bool = False
    ) -> Iterator[T]:
        """`get`, and it stays where it is until the end of the block."""
        with self._lock:
            thing = self.get(key, load, file=file, in_parts=in_parts)
            held = self._held[key]
            held.users += 1
        try:
            yield thing
        finally:
            with self._lock:
                held.users -= 1

    def counts(self) -> dict[str, float]:
        """What is held, and how often it was found or had to be loaded; waits for nobody."""
        return {"models": len(self._held), "cache_hits": self._hits, "cache_misses": self._misses}

    def loaded(self) -> tuple[Key, ...]:
        """The keys of what is held, the one used last at the end."""
        with self._lock:
            return tuple(self._held)

    def report(self) -> list[Resident]:
        """What lies where, the one used last at the beginning."""
        with self._lock:
            return [self._told(key, held) for key, held in reversed(self._held.items())]

    @property
    def limit(self) -> int:
        """The most bytes that models may take on the device."""
        return amount(self._limit, self.machine.room().total)

    def drop(self, key: Key) -> bool:
        """Let go of what lies under `key`; whether anything did. Raises InUse."""
        with self._lock:
            held = self._held.get(key)
            if held is not None and held.users:
                raise InUse(f"The {key[0]} {key[1]!r} is in use by a task that runs: unload it when that has ended.")
            if held is not None:
                del self._held[key]
                del held
                self.machine.clear()
                return True
            return False

    def with_room(self, work: Callable[[], T]) -> T:
        """What `work` gives; if memory runs out, it is done once more with everything away that is not in use."""
        try:
            return work()
        except Exception as problem:
            if not is_out_of_memory(problem):
                raise
            log.warning("Memory ran out: %s", problem)
        self.make_way()  # here, because what failed holds on to its tensors until its exception is gone
        return work()

    def make_way(self) -> None:
        """Everything that is not in use leaves the device."""
        with self._lock:
            for key in self._leavable():
                self._leave(key)
            self.machine.clear()

    def _told(self, key: Key, held: _Held) -> Resident:
        places = {None: "main", "whole": "device", "parts": "parts", "layers": "layers"}
        return Resident(
            kind=key[0],
            name=key[1],
            bytes=weigh(held.thing),
            on_device=weigh(held.thing, self.machine.device),
            place=places[held.placed],
            used_at=round(held.used_at * 1000),
            in_use=held.users > 0,
        )

    def _current(self, key: Key, file: Path | None) -> _Held | None:
        """What is held, unless its file is another one by now; what is in use stays."""
        held = self._held.get(key)
        if held is None or held.users or file is None or stamp(file) in (None, held.stamp):
            return held
        log.info("%s %s has changed on disk and is loaded anew.", *key)
        self.drop(key)
        return None

    def _load(self, key: Key, load: Callable[[], T], file: Path | None, in_parts: bool) -> _Held:
        marked = stamp(file) if file else None
        expected = self._sizes.get(key, marked[0] if marked else 0)
        waits = in_parts and self.machine.has_own_memory
        if waits:
            self._make_room_in_main(expected)
        else:
            self._make_room(expected)
        held = _Held(thing=self.with_room(load), stamp=marked, placed=None if waits else "whole")
        self._held[key] = held
        self._sizes[key] = weigh(held.thing)
        if not waits:
            self._make_room(0, keep=key)
        return held

    def _seat(self, held: _Held, in_parts: bool) -> None:
        """Bring what lies in main memory to the device."""
        parts = modules(held.thing)
        sizes = [weigh(part) for part in parts]
        placed = placement.choose(self.vram, sizes, self._most_room()) if in_parts else "whole"
        self._make_room(placement.needed(placed, sizes))
        placement.place(parts, placed, self.machine)
        held.placed = placed

    def _most_room(self) -> int:
        """Bytes that could be had on the device if all that is not in use left it."""
        room, device = self.machine.room(), self.machine.device
        taken = {key: weigh(held.thing, device) for key, held in self._held.items()}
        leaving = sum(taken[key] for key in self._leavable())
        return min(self.limit - sum(taken.values()), room.free - RESERVE) + leaving

    def _leavable(self, keep: Key | None = None) -> list[Key]:
        """Who could leave the device, least recently used first."""
        device = self.machine.device
        return [
            key for key, held in self._held.items() if not held.users and key != keep and weigh(held.thing, device) > 0
        ]

    def _make_room(self, need: int, keep: Key | None = None) -> None:
        """Have others leave until `need` bytes more fit on the device."""
        for key in self._leavable(keep):
            if self._short_of(need) <= 0:
                return
            self._leave(key)
        if (short := self._short_of(need)) > 0:
            log.warning("Models need %d MiB more than --vram-limit and the device leave them.", short >> 20)

    def _short_of(self, need: int) -> int:
        device, room = self.machine.device, self.machine.room()
        held = sum(weigh(held.thing, device) for held in self._held.values())
        return max(held + need - self.limit, need + RESERVE - room.free)

    def _leave(self, key: Key) -> None:
        """From the device to the main memory, or, where there is no other one or nothing to move, away."""
        held = self._held[key]
        parts = modules(held.thing)
        if not self.machine.has_own_memory or not parts or held.placed is None:
            self.drop(key)
            return
        self._make_room_in_main(weigh(held.thing, self.machine.device), keep=key)
        placement.take_away(parts, held.placed, self.machine)
        held.placed = "layers" if held.placed == "layers" else None
        self.machine.clear()

    def _make_room_in_main(self, need: int, keep: Key | None = None) -> None:
        """Have those that wait in main memory go altogether until `need` bytes more fit there."""
        waiting = [key for key, held in self._held.items() if held.placed is None and not held.users and key != keep]
        for key in waiting:
            if self.machine.main().free >= need + RESERVE:
                return
            self.drop(key)


def stamp(file: Path) -> Stamp | None:
    """What changes when a model's file or folder does; None where there is none."""
    try:
        told = [(each.path, each.stat()) for each in _inside(file)] if file.is_dir() else [("", file.stat())]
    except OSError:
        return None
    seen = frozenset((path, one.st_size, one.st_mtime_ns) for path, one in told)
    return sum(one.st_size for _, one in told), max((one.st_mtime_ns for _, one in told), default=0), hash(seen)


def _inside(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    """The files of a folder, at any depth; links to folders are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _inside(entry.path)
            elif entry.is_file():
                yield entry
