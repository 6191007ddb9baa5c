"""LoRAs: from a name that is asked for to a file that is there and fits the checkpoint, told by its header alone."""

import functools
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.settings import ROOT, Settings
from masking.errors import InvalidValue, NotSupported
from pipelines import companions
from pipelines.families import Checkpoint
from pipelines.plans import Lora
from pipelines.tensor_files import Shapes, tensor_shapes

FORMS = {"oft_blocks": "OFT", "on_input": "IA3", ".diff": "whole weights"}
"""A part of a tensor's name → the form of LyCORIS that it tells, which cannot be loaded."""


@dataclass(frozen=True, kw_only=True)
class LoraWish:
    """A LoRA as it is asked for. field: whom to blame."""

    name: str
    weight: float
    field: str


def choose(
    wishes: Iterable[LoraWish], checkpoint: Checkpoint, settings: Settings, warnings: list[str]
) -> tuple[Lora, ...]:
    """The LoRAs to be used, each once with all its weights together; those without any weight are left out.

    FooocusAPI's default one is left out with a warning where it is missing or does not fit. Raises ModelMissing,
    InvalidValue (it does not fit the checkpoint), NotSupported (a form of LyCORIS that cannot be loaded), BrokenModel.
    """
    weights: dict[str, float] = {}
    for wish in wishes:
        path = companions.lora(wish.name, settings, field=wish.field)
        if path is None:
            warnings.append(
                f'{wish.field}: "{companions.OFFSET_LORA}" is not installed; the picture is painted without it.'
            )
            continue
        name, file = path
        problem = _misfit(name, file, checkpoint, warnings, wish.field)
        if problem and Path(name).name == companions.OFFSET_LORA:
            warnings.append(f"{wish.field}: {problem}; the picture is painted without it.")
        elif problem:
            raise InvalidValue(f"{problem}.", field=wish.field)
        else:
            weights[name] = weights.get(name, 0.0) + wish.weight
    return tuple(Lora(name=name, weight=weight) for name, weight in weights.items() if weight)


def fits(name: str, file: Path, checkpoint: Checkpoint) -> bool:
    """Whether a LoRA's header tells of the checkpoint's own layers."""
    return _misfit(name, file, checkpoint, [], "loras") == ""


def _misfit(name: str, file: Path, checkpoint: Checkpoint, warnings: list[str], field: str) -> str:
    """Why a LoRA does not fit the checkpoint; "" if it does."""
    shapes = _shapes(file, file.stat().st_mtime_ns, field)
    told = _table().get(checkpoint.family)
    if told is None:
        raise NotSupported(f"LoRAs cannot be used with {checkpoint.name} ({checkpoint.kind}) yet.", field=field)
    strange = [key for key in shapes if not re.search(told["names"], key)]
    if strange:
        return f"The LoRA {name!r} does not fit {checkpoint.name} ({checkpoint.kind}): it changes {strange[0][:120]}"
    for pattern, part, setting in told["widths"]:
        config = checkpoint.parts.config(part)
        width = math.prod(config[name] for name in setting.split("*"))
        for key, shape in shapes.items():
            if re.search(pattern, key) and len(shape) > 1 and shape[1] != width:
                return (
                    f"The LoRA {name!r} does not fit {checkpoint.name} ({checkpoint.kind}): it is made for a model "
                    f"whose words are {shape[1]} wide, and here they are {width}"
                )
    _refuse_forms(name, shapes, checkpoint, field)
    if any("dora_scale" in key for key in shapes):
        warnings.append(f"The LoRA {name} is a DoRA; what it says of magnitudes (dora_scale) is not used.")
    return ""


def _refuse_forms(name: str, shapes: Shapes, checkpoint: Checkpoint, field: str) -> None:
    for sign, form in FORMS.items():
        if any(sign in key for key in shapes):
            raise NotSupported(
                f"The LoRA {name!r} is of LyCORIS's form {form}, which cannot be loaded for {checkpoint.kind}; "
                "LoRA, LoCon, LoHa and LoKr can.",
                field=field,
            )


@functools.lru_cache(maxsize=64)
def _shapes(file: Path, _changed: int, field: str) -> Shapes:
    return tensor_shapes(file, field=field)


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = json.loads((ROOT / "configs" / "loras.json").read_text(encoding="utf-8"))
    return table
