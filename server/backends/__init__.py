"""Places where work is done. Each file beside this one is one; it never runs models in this process."""

from collections.abc import AsyncGenerator, Callable
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


class Backend(Protocol):
    """Something that can draw plans and use tools."""

    memory: Memory | None
    """What the models work in; None until they have been loaded once."""

    async def start(self) -> None:
        """Begin to load; returns at once."""

    async def close(self) -> None:
        """End every process that was started."""

    def readiness(self) -> Readiness:
        """Whether the models are resident."""

    def run(
        self, job: str, work: Plan | ToolWork, *, previews: bool = False, alone: bool = False
    ) -> AsyncGenerator[Event]:
        """Do one job; the last event is Finished or Failed. Waits while loading; raises NotReady when broken.

        alone: it waits for others of which that was said, too, and shares no pass with anybody.
        """

    @property
    def company(self) -> int:
        """So many plans of one batch key may be at work together."""

    def when_company_changes(self, changed: Callable[[], None]) -> None:
        """Call this, on the event loop, when `company` has changed."""

    async def switch(self, preset: str) -> None:
        """Load a preset's models, now after the plans that were given before, and at each later start in the place of
        the one before. That one stays where this fails: raises NotReady, or what the worker could not do.
        """

    async def control(self, job: str, action: Action) -> None:
        """Stop a job that `run` has begun, or skip the image it is at; what has ended already is left alone."""
