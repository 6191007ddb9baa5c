"""Presets: `configs/presets/<name>.json`, with Fooocus's own keys. The one reader of those files."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path

from configs.settings import ROOT
from masking.errors import InvalidValue

FOLDER = ROOT / "configs" / "presets"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What is used where a request says nothing. `steps` is 0 where the performance mode shall decide.

    width, height: pixels. sizes: what the preset offers, (width, height) each.
    """

    name: str
    checkpoint: str
    mask_model: str
    prompt: str
    negative_prompt: str
    guidance_scale: float
    sampler: str
    scheduler: str
    clip_skip: int
    performance: str
    steps: int
    width: int
    height: int
    sizes: tuple[tuple[int, int], ...]
    styles: tuple[str, ...]


def names() -> tuple[str, ...]:
    """All presets there are, in alphabetical order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def load(name: str) -> Preset:
    """The preset of that name. Raises InvalidValue, with the nearest names, when there is none."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0) or names()
        raise InvalidValue(f"There is no preset {name!r}; the nearest are {', '.join(near)}.", field="preset")
    return read(FOLDER / f"{name}.json")


def read(path: Path) -> Preset:
    """The preset in a JSON file; what it leaves out is as in Fooocus."""
    told = json.loads(path.read_text(encoding="utf-8"))
    width, height = _size(told.get("default_aspect_ratio", "1152*896"))
    return Preset(
        name=path.stem,
        checkpoint=told["default_model"],
        mask_model=told.get("default_mask_model", "isnet-general-use"),
        prompt=told.get("default_prompt", ""),
        negative_prompt=told.get("default_prompt_negative", ""),
        guidance_scale=told.get("default_cfg_scale", 7.0),
        sampler=told.get("default_sampler", "dpmpp_2m_sde_gpu"),
        scheduler=told.get("default_scheduler", "karras"),
        clip_skip=told.get("default_clip_skip", 2),
        performance=told.get("default_performance", "Speed"),
        steps=max(0, told.get("default_overwrite_step", 0)),
        width=width,
        height=height,
        sizes=tuple(_size(text) for text in told.get("available_aspect_ratios", ())),
        styles=tuple(told.get("default_styles", ())),
    )


def _size(text: str) -> tuple[int, int]:
    width, height = text.replace("×", "*").split("*")
    return int(width), int(height)
