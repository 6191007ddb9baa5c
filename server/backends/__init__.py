"""Places where work is done. Each file beside this one is one; it never runs models in this process."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pipelines.events import Event
from pipelines.fitting import Memory
from pipelines.orders import Action
from pipelines.plans import Plan
from pipelines.tools import ToolWork

WORKER_DIED = "WorkerDied"
"""The kind of a failure that is the process's, not the work's own."""


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """`reason`, in words for people: why work given now would wait ("loading") or be refused ("broken")."""

    state: Literal["loading", "ready", "broken"]
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One of those that share the work, each with its own models. device: as `--devices` has it; "": the only one."""

    device: str
    readiness: Readiness


class Backend(Protocol):
    """Something that can draw plans and use tools."""

    @property
    def memory(self) -> Memory | None:
        """What the models work in, where that is largest; None until they have been loaded once."""

    async def start(self) -> None:
        """Begin to load; returns at once."""

    async def close(self) -> None:
        """End every process that was started."""

    def readiness(self) -> Readiness:
        """Whether the models are resident, at one place at least."""

    def places(self) -> Sequence[Place]:
        """All that share the work; in `run` they are called by their numbers here."""

    def seat(self, job: str, plan: Plan) -> bool:
        """Keep a place for a plan, if there is one for it now; to be asked for the plan whose turn is next.

        With True it may be given to `run`, also several times, until `leave`.
        """

    def leave(self, job: str) -> None:
        """A plan that had a place is done with."""

    def when_room_changes(self, changed: Callable[[], None]) -> None:
        """Call this, on the event loop, when `seat` might answer otherwise than before."""

    def run(
        self, job: str, work: Plan | ToolWork, *, previews: bool = False, at: int | None = None
    ) -> AsyncGenerator[Event]:
        """Do one job; the last event is Finished or Failed. Waits while loading; raises NotReady when broken.

        A plan has a place by `seat`; after one that failed because its worker died, it shares no pass with anybody.
        previews: tell them from the beginning, without being asked by `control`. at: where a tool is used; None: where
        that is best.
        """

    async def switch(self, preset: str) -> None:
        """Load a preset's models, now after the plans that were given before, and at each later start in the place of
        the one before. That one stays where this fails: raises NotReady, or what the worker could not do.
        """

    async def control(self, job: str, action: Action) -> None:
        """Stop a job that `run` has begun, skip the image it is at, or have its previews told from now on; what has
        ended already is left alone.
        """
