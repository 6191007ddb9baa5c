"""What a worker process is told: plain frozen values that cross a pipe. What it tells is in `pipelines.events`."""

from dataclasses import dataclass
from typing import Literal

Action = Literal["stop", "skip", "show"]
"""stop: end the job, its finished pictures are kept. skip: leave out the image it is at, and go on with the next.
show: from now on tell what it looks like on the way.
"""


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """Draw a plan (`Plan.to_json()`). previews: tell what it looks like on the way, from the beginning.

    batch_key: plans with the same one may share passes; one whose key is "" is drawn by itself.
    """

    job: str
    plan_json: str
    previews: bool = False
    batch_key: str = ""


@dataclass(frozen=True, kw_only=True)
class RunTool:
    """Use one of `pipelines.tools` on a plan of its own; between the denoising steps of a plan, if one is drawn."""

    job: str
    tool: str
    plan_json: str


@dataclass(frozen=True, kw_only=True)
class LoadPreset:
    """Load a preset's models, after the plans that were sent before."""

    job: str
    preset: str


@dataclass(frozen=True, kw_only=True)
class Control:
    """Do something about a job that was sent before; one that has ended is left alone."""

    job: str
    action: Action


@dataclass(frozen=True, kw_only=True)
class Quit:
    """End the process, whatever it is at."""
