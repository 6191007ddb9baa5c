"""A clock to forget by: the wall clock, as far as it can be believed not to have been set forwards by mistake."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from server.store import now

DAY_MS = 24 * 3_600_000
CATCHES_UP = 24
"""So many times as fast as time passes it follows a wall clock that has left it behind: a day in an hour."""


def _steady() -> int:
    return time.monotonic_ns() // 1_000_000


@dataclass(kw_only=True)
class PatientClock:
    """Milliseconds since 1970 that never jump forwards, so that a clock set wrong does not make the past old at once.

    What the wall clock moves back, it moves back, too. seen: what this told last, in an earlier run; a day may have
    passed since then at once, more than that is caught up with slowly.
    """

    seen: int
    wall: Callable[[], int] = now
    steady: Callable[[], int] = _steady
    _looked: int = field(init=False)

    def __post_init__(self) -> None:
        self.seen = min(self.wall(), self.seen + DAY_MS)
        self._looked = self.steady()

    def now(self) -> int:
        """What time it is, for all that can be told."""
        looked = self.steady()
        self.seen = min(self.wall(), self.seen + CATCHES_UP * (looked - self._looked))
        self._looked = looked
        return self.seen
