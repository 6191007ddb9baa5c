"""What a kind of checkpoint is used with where no request and no preset of its own says (`configs/usual.json`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from configs.settings import ROOT

TABLE = ROOT / "configs" / "usual.json"

Guided = Literal["against", "told", "not"]
"""Against a negative prompt; by a number that the model was trained to be told, which takes no negative prompt; not."""


@dataclass(frozen=True, kw_only=True)
class Usual:
    """steps: by performance mode; a mode that is not there keeps its own. unguided: up to this scale nothing is guided.

    name: its key in the table.
    """

    name: str
    guided: Guided
    guidance_scale: float
    steps: Mapping[str, int]
    unguided: float = 1.0


def usual(name: str) -> Usual:
    """What the table says of a kind."""
    told: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return Usual(name=name, **told[name])
