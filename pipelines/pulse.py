"""What a worker is at, told once a second by a thread of its own, so that the server notices when nothing moves."""

import threading
from collections.abc import Callable, Iterator, Mapping

from pipelines.events import Beat, Phase

BEAT_S = 1.0


class Pulse:
    """Written by the thread that works, read by the one that tells. It begins with loading.

    memory: what each beat tells of it; must not wait for anything.
    """

    def __init__(self) -> None:
        self._at: tuple[int, Phase, int] = (0, "load", 0)
        self._passes = self._shares = self._kept = self._read = 0
        self.memory: Callable[[], Mapping[str, float]] = dict

    def enter(self, phase: Phase, pixels: int = 0) -> None:
        """Something has begun that may take its own time; pixels: how many it works on, 0 where that is all one."""
        self._at = (self._at[0] + 1, phase, pixels)

    def passed(self, requests: int) -> None:
        """So many requests have shared a pass through a model."""
        self._passes, self._shares = self._passes + 1, self._shares + requests

    def read(self, *, kept: int, anew: int) -> None:
        """Texts were encoded, or kept from before."""
        self._kept, self._read = self._kept + kept, self._read + anew

    def beats(self) -> Iterator[Beat]:
        """One a second, for ever. Seconds are counted, not read from a clock, which may sleep or jump."""
        seen, seconds, pause = -1, 0.0, threading.Event()
        while not pause.wait(BEAT_S):
            number, phase, pixels = self._at
            seconds = seconds + BEAT_S if number == seen else 0.0
            seen = number
            yield Beat(phase=phase, seconds=seconds, megapixels=pixels / 1e6, facts=self.facts())

    def facts(self) -> dict[str, float]:
        """What a beat tells of memory and of the work done so far."""
        done = {"passes": self._passes, "pass_shares": self._shares}
        return {**self.memory(), **done, "prompt_hits": self._kept, "prompt_misses": self._read}
