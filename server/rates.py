"""How often somebody may ask: so many requests at once, and one more whenever its share of a minute is over."""

import math
import time
from collections.abc import Callable

MOST_KNOWN = 10_000


class Rates:
    """per_minute: 0 means as often as one likes. Lives on the event loop; `clock` tells seconds."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._free_at: dict[str, float] = {}

    def wait_s(self, name: str) -> int:
        """Count a request of somebody: 0, or, uncounted, the whole seconds until one would be taken."""
        if not self.per_minute:
            return 0
        now, share = self._clock(), 60 / self.per_minute
        free_at = max(self._free_at.get(name, 0.0), now - 60) + share  # when all that was asked for is earned
        if free_at > now + 1e-9:
            return math.ceil(free_at - now)
        self._free_at[name] = free_at
        if len(self._free_at) > MOST_KNOWN:
            self._free_at = {known: at for known, at in self._free_at.items() if at > now - 60}
        return 0
