"""How many requests share a pass through the model: one more as long as that makes more of them a second."""

import statistics
from collections import defaultdict, deque
from collections.abc import Hashable

GAIN = 1.02
"""So much faster it must be, with one more in the pass, for it to stay."""

LOOKS = 3
"""So many passes are timed before that is told; the very first of a size, which prepares things, does not count."""

KEPT = 9
MOST = 32


class Pace:
    """Kinds of requests (those that can share) are judged each by itself.

    most: so many share a pass, whether it pays or not; 0: what pays is found by timing, from one at a time upwards.
    """

    def __init__(self, most: int = 0) -> None:
        self._most = most
        self._caps: dict[Hashable, int] = {}
        self._seconds: dict[tuple[Hashable, int], deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._begun: set[tuple[Hashable, int]] = set()
        self._compiled: dict[tuple[Hashable, int], bool] = {}

    @property
    def learns(self) -> bool:
        """Whether passes are to be timed."""
        return not self._most

    def limit(self, kind: Hashable) -> int:
        """As many may share the next pass; one more than has been timed is a trial."""
        cap = self._caps.get(kind, self._most or MOST)
        if not self.learns:
            return cap
        for size in range(1, cap + 1):
            if len(self._seconds[kind, size]) < LOOKS:
                return size
            if size > 1 and self._alike(kind, size) and self._rate(kind, size) < GAIN * self._rate(kind, size - 1):
                return size - 1
        return cap

    def took(self, kind: Hashable, size: int, seconds: float, *, compiled: bool = False) -> None:
        """A pass with so many of a kind has taken its time; what was timed before it was compiled counts no more."""
        if self._compiled.setdefault((kind, size), compiled) != compiled:
            self._compiled[kind, size] = compiled
            self._seconds[kind, size].clear()
        if (kind, size) in self._begun:
            self._seconds[kind, size].append(seconds)
        self._begun.add((kind, size))

    def keep_below(self, kind: Hashable, size: int) -> None:
        """Memory ran out, or would run out, with so many: until `forget`, fewer share."""
        self._caps[kind] = max(1, min(size - 1, self._caps.get(kind, size)))

    def forget(self) -> None:
        """Memory may be free again."""
        self._caps.clear()

    def _alike(self, kind: Hashable, size: int) -> bool:
        """Whether one fewer was timed in the same way; if only one is compiled yet, more together are let be."""
        return self._compiled[kind, size] == self._compiled[kind, size - 1]

    def _rate(self, kind: Hashable, size: int) -> float:
        return size / statistics.median(self._seconds[kind, size])
