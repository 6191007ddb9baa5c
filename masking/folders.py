"""Model folders in transformers' format: which there are, by what their `config.json` says, and how they are loaded."""

import json
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from masking.errors import BrokenModel


def installed(below: str, roots: Sequence[Path], kinds: Container[str]) -> dict[str, Path]:
    """`<root>/<below>/<name>` by name, where the config's `model_type` is one of `kinds`; the first root wins."""
    places = (place for root in reversed(roots) for place in sorted((root / below).glob("*/config.json")))
    return {place.parent.name: place.parent for place in places if kind_of(place.parent) in kinds}


def kind_of(folder: Path) -> str:
    """The `model_type` of its config; "" where there is none that can be read."""
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(told.get("model_type", "")) if isinstance(told, dict) and not folder.name.startswith(".") else ""


def load(
    folder: Path,
    classes: Mapping[str, str],
    processor: str,
    device: str,
    *,
    blamed: str,
    renamed: Mapping[str, str] | None = None,
) -> tuple[Any, Any]:
    """The model, float32 on `device` and ready to run, and its processor, both from files alone.

    classes: transformers' model class by `model_type`; processor: the name of the class that reads it. blamed: the
    field that asked for it. renamed: patterns of tensors' names, and what stands for them in the model. Raises
    BrokenModel when files are missing or do not fit.
    """
    import pickle

    import torch
    import transformers
    from safetensors import SafetensorError

    kind = getattr(transformers, classes[kind_of(folder)])
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        made = getattr(transformers, processor).from_pretrained(folder, **local)
        model, told = kind.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, key_mapping=dict(renamed or {}) or None, **local
        )
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
        AttributeError,
        EOFError,
        SafetensorError,
        pickle.UnpicklingError,
    ) as problem:
        raise BrokenModel(f"The model in {folder} cannot be read: {problem}", field=blamed) from problem
    if told["missing_keys"]:
        first = sorted(told["missing_keys"])[0]
        raise BrokenModel(f"The model in {folder} is not whole: {first} is missing.", field=blamed)
    return model.to(device).eval(), made
