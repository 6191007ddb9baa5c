"""Performance modes: how many steps each takes, and what the fast ones are made of (`configs/performance.json`)."""

import difflib
import functools
import json
from dataclasses import dataclass
from typing import Any

from configs.settings import ROOT
from masking.errors import InvalidValue

TABLE = ROOT / "configs" / "performance.json"


@dataclass(frozen=True, kw_only=True)
class Mode:
    """lora: what makes few steps enough, for checkpoints of `family`, at `weight`; "" for modes that need none.

    sampler, scheduler: what that LoRA was made for.
    """

    name: str
    steps: int
    upscale_steps: int
    lora: str = ""
    weight: float = 1.0
    family: str = ""
    sampler: str = ""
    scheduler: str = ""


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return told


def find(name: str) -> Mode:
    """The mode of that name. Raises InvalidValue, with the nearest names, when there is none."""
    modes = _table()
    if name not in modes:
        near = difflib.get_close_matches(name, modes, n=3, cutoff=0)
        raise InvalidValue(f"There is no performance {name!r}; near it: {', '.join(near)}.", field="performance")
    return Mode(name=name, **modes[name])


def upscale_share(name: str) -> float:
    """Which share of its steps a mode takes to paint over a picture that was upscaled."""
    mode = find(name)
    return mode.upscale_steps / mode.steps


def lora(name: str) -> str | None:
    """The file of the LoRA that a mode was made for, None: for none; of an unknown mode, too."""
    found: str | None = _table().get(name, {}).get("lora")
    return found
