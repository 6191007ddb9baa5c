"""What is loaded where: checkpoints and mask models alike, each loaded once and kept."""

from collections.abc import Callable, Hashable
from threading import RLock
from typing import TypeVar, cast

T = TypeVar("T")


class Residency:
    """Holds loaded models by key. Safe to use from several threads; one model loads at a time."""

    def __init__(self) -> None:
        self._held: dict[Hashable, object] = {}
        self._lock = RLock()

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """What lies under `key`; the first call loads it. Whatever `load` raises is raised, and nothing is kept."""
        with self._lock:
            if key not in self._held:
                self._held[key] = load()
            return cast(T, self._held[key])

    def loaded(self) -> tuple[Hashable, ...]:
        """The keys of what is held, the oldest first."""
        with self._lock:
            return tuple(self._held)

    def drop(self, key: Hashable) -> None:
        """Let go of what lies under `key`, if anything does."""
        with self._lock:
            self._held.pop(key, None)
