"""What a worker process tells while it works: plain frozen values that cross a pipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipelines.fitting import Memory
from pipelines.plans import EditReport

Phase = Literal["idle", "load", "encode", "step", "decode", "tool"]
"""What a worker is at. encode: all that comes before an image's first step. decode: all after its last one."""


@dataclass(frozen=True, kw_only=True)
class Beat:
    """The process lives; it has been at the same thing for so many seconds. megapixels: that this works on.

    facts: bytes and counts, by the names that `server.metrics` knows.
    """

    phase: Phase
    seconds: float
    megapixels: float
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Company:
    """As many plans that may share passes are painted together; more are to wait for their turn."""

    most: int


@dataclass(frozen=True, kw_only=True)
class Holds:
    """The checkpoints that are loaded now, by name."""

    checkpoints: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One denoising step is done. Counted from 1: step `step` of `steps` of image `image` of `images`."""

    image: int
    images: int
    step: int
    steps: int


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A finished picture: `image` is its RGB bytes, row by row (`PIL.Image.frombytes("RGB", (width, height), image)`).

    `index` counts from 0 in the order of the plan's shots; pictures may arrive in another order. report: of an edit.
    """

    index: int
    image: bytes
    width: int
    height: int
    seed: int
    report: EditReport | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A small picture, as a PNG, of what the oldest unfinished image looks like so far. It is told a little late."""

    image: int
    png: bytes


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """An image, counted from 1, will not be painted (any further): so it was asked."""

    image: int


@dataclass(frozen=True, kw_only=True)
class ToolDone:
    """What a tool has made (see `pipelines.tools.Done`)."""

    content: bytes
    facts: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """What the worker is busy with, in words for people."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The preset's models are resident. memory: what there is to work in."""

    memory: Memory


@dataclass(frozen=True, kw_only=True)
class Failed:
    """The job came to nothing. `kind` is the exception's class name (one of `masking.errors`, or any other).

    field: the name of the field that is to blame, if one is.
    """

    kind: str
    message: str
    field: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The job is done; `warnings` are those that only the work itself could tell (the plan's own come on top).

    stopped: it was ended on request, before all that was asked for was made.
    """

    warnings: tuple[str, ...] = ()
    stopped: bool = False


Event = Beat | Company | Holds | Step | Picture | Preview | Skipped | ToolDone | Message | Ready | Failed | Finished
