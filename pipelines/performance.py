"""Performance modes: how many steps each of them takes (`configs/performance.json`)."""

import difflib
import json
from typing import Any

from configs.settings import ROOT
from masking.errors import InvalidValue


def steps(name: str, warnings: list[str]) -> int:
    """The steps of a mode. Raises InvalidValue, with the nearest names, when there is none of that name.

    A mode that was made for a LoRA runs without it, which is told in `warnings`.
    """
    modes = _modes()
    if name not in modes:
        near = difflib.get_close_matches(name, modes, n=3, cutoff=0)
        raise InvalidValue(f"There is no performance {name!r}; near it: {', '.join(near)}.", field="performance")
    taken: int = modes[name]["steps"]
    if lora := modes[name].get("lora"):
        warnings.append(
            f"{name} takes {taken} steps, with the sampler and guidance as they are: its LoRA {lora} is for SDXL "
            "checkpoints, and was not used."
        )
    return taken


def upscale_share(name: str) -> float:
    """Which share of its steps a mode takes to paint over a picture that was upscaled."""
    mode = _modes()[name]
    share: float = mode["upscale_steps"] / mode["steps"]
    return share


def lora(name: str) -> str | None:
    """The file of the LoRA that a mode was made for, None: for none; of an unknown mode, too."""
    told: str | None = _modes().get(name, {}).get("lora")
    return told


def _modes() -> dict[str, dict[str, Any]]:
    modes: dict[str, dict[str, Any]] = json.loads((ROOT / "configs" / "performance.json").read_text(encoding="utf-8"))
    return modes
