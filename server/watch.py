"""Whether a worker process still moves: how long it has been at one thing, and how long it has said nothing."""

from pipelines.events import Beat, Phase

LOOK_EVERY_S = 1.0

STEPS: dict[Phase, int] = {"load": 6, "tool": 6, "encode": 1, "step": 1, "decode": 2}
"""As many times `--step-timeout` may each thing take; waiting for work may take for ever."""

SILENT_FOR_S: dict[Phase, float] = {"load": 600, "tool": 600}
SILENT_FOR_ELSE_S = 60.0
"""So long may no beat come. Libraries that are being imported can hold up the thread that tells."""

WORDS: dict[Phase, str] = {
    "load": "loading a model",
    "tool": "a mask or a description",
    "encode": "preparing an image",
    "step": "a denoising step",
    "decode": "finishing an image",
}


class Watch:
    """Over one process. step_timeout: seconds that a denoising step of up to a megapixel may take; 0: for ever."""

    def __init__(self, step_timeout: int) -> None:
        self._step_timeout = step_timeout
        self._last = Beat(phase="load", seconds=0, megapixels=0)
        self._silent = 0.0

    def heard(self, beat: Beat) -> None:
        """A beat has come."""
        self._last, self._silent = beat, 0.0

    def look(self) -> str | None:
        """What is wrong, as a sentence; to be asked every LOOK_EVERY_S. Looks are counted: see `Pulse.beats`."""
        self._silent += LOOK_EVERY_S
        if not self._step_timeout:
            return None
        phase = self._last.phase
        most = self._step_timeout * STEPS.get(phase, 0) * max(1.0, self._last.megapixels)
        if most and self._last.seconds > most:
            return f"The worker process was at {WORDS[phase]} for more than {most:.0f} s, and was ended."
        quiet = min(SILENT_FOR_S.get(phase, SILENT_FOR_ELSE_S), self._step_timeout * STEPS.get(phase, 1))
        if self._silent > quiet:
            return f"The worker process gave no sign of life for {quiet:.0f} s, and was ended."
        return None
