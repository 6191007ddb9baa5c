"""Tools: short work beside the painting. Each file here is one, named as it is called, and is found by being here.

Such a file has a `tool`: a Tool. It imports heavy libraries inside its functions only. Tools run in the worker process,
also between the denoising steps of a plan; so they keep their hands off what a plan's pixels depend on (a checkpoint's
modules, torch's and numpy's own random numbers).
"""

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipelines.studio import Studio


@dataclass(frozen=True, kw_only=True)
class ToolWork:
    """What a tool shall do: its name, and its plan as the JSON text that it reads itself."""

    tool: str
    plan_json: str


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a tool has made: bytes (what they are is between the tool and its route), and facts as JSON text."""

    content: bytes
    facts: str = "{}"


class Tool(Protocol):
    """A tool at work in a studio, whose `held` keeps its models from one call to the next."""

    def run(self, plan_json: str, studio: "Studio") -> Done:
        """Do it. Raises a GessoError for what turns out to be impossible."""


@cache
def tools() -> dict[str, Tool]:
    """Every tool by its name."""
    return {
        file.name: importlib.import_module(f"{__name__}.{file.name}").tool for file in pkgutil.iter_modules(__path__)
    }
