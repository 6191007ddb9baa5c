"""Weights of one component in diffusers' and transformers' folders: plain, or a variant (`model.fp16.safetensors`)."""

import re
from collections.abc import Sequence
from pathlib import Path

STEM = r"(?:diffusion_pytorch_model|model)(?:\.(?P<first>\w+))?"
WEIGHTS = re.compile(rf"{STEM}(?P<shard>-\d+-of-\d+)?(?:\.(?P<last>\w+))?\.safetensors")
SHARDS = re.compile(rf"{STEM}\.safetensors\.index(?:\.(?P<last>\w+))?\.json")
"""The list that tells which tensor is in which shard; the variant's name stands before or after its ending."""

PREFERRED = ("fp16", "", "bf16")


def of(folder: Path) -> str | None:
    """The variant to load from a folder; None for plain weights, or where there are none at all."""
    there = {_variant(WEIGHTS, path.name) for path in folder.glob("*.safetensors")}
    return None if "" in there else next((variant for variant in PREFERRED if variant in there), None)


def best(files: Sequence[str]) -> list[str]:
    """Of a component's files those that are all its weights once; empty where it has none as safetensors."""
    there = {file: variant for file in files if (variant := _variant(WEIGHTS, file)) in PREFERRED}
    if not there:
        return []
    variant = min(there.values(), key=PREFERRED.index)
    weights = [file for file in there if there[file] == variant]
    whole = [file for file in weights if not re.search(r"-\d+-of-\d+", file)]
    return whole or [*(file for file in files if _variant(SHARDS, file) == variant), *weights]


def is_of_weights(file: str) -> bool:
    """Whether a file is called as a component's weights are, or as their list of shards."""
    return WEIGHTS.fullmatch(file) is not None or SHARDS.fullmatch(file) is not None


def _variant(form: re.Pattern[str], file: str) -> str | None:
    """Its name, "" for what is plain, None for what is called otherwise."""
    matched = form.fullmatch(file)
    return None if matched is None else matched["first"] or matched["last"] or ""
