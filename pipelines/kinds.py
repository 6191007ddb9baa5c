"""Which kind of checkpoint a single file is, told by the names and shapes of its tensors (`configs/kinds.json`)."""

import functools
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs.settings import ROOT
from masking.errors import NotSupported
from pipelines.tensor_files import Shapes

TABLE = ROOT / "configs" / "kinds.json"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """configs: the folder below `configs/parts` with what all checkpoints of this kind have in common.

    more: what differs from those configs, by part. prefix: what stands before the denoiser's names in this file.
    """

    name: str
    family: str
    configs: str
    more: dict[str, dict[str, Any]]
    prefix: str


@functools.cache
def table() -> dict[str, Any]:
    """The whole file: `pipelines` (diffusers' class → family), `schedulers` (diffusers' class → that family → the one
    that it really is), `kinds`, `parts` (by the name of their configs).
    """
    told: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return told


def tell(path: Path, shapes: Shapes) -> Kind:
    """The kind of a file; its first sign that fits decides. Raises NotSupported for one of no kind that can be used."""
    for entry in table()["kinds"]:
        for prefix in table()["prefixes"]:
            if _fits(entry, prefix, path, shapes):
                return _kind(entry, prefix, path)
    known = ", ".join(dict.fromkeys(entry["name"] for entry in table()["kinds"] if "refused" not in entry))
    seen = ", ".join(list(shapes)[:3])
    raise NotSupported(
        f"The file {path.name} is no checkpoint that is known: its tensors are {seen}, …, and those of {known} were "
        "looked for. A LoRA belongs in loras, a VAE in vae.",
        field="checkpoint",
    )


def _kind(entry: dict[str, Any], prefix: str, path: Path) -> Kind:
    if "refused" in entry:
        raise NotSupported(f"The checkpoint {path.name} is {entry['name']}: {entry['refused']}.", field="checkpoint")
    return Kind(
        name=entry["name"],
        family=entry["family"],
        configs=entry["configs"],
        more=entry.get("more", {}),
        prefix=prefix,
    )


def _fits(entry: dict[str, Any], prefix: str, path: Path, shapes: Shapes) -> bool:
    """Whether the file has all keys, all axes of the length told, and values that spread as far as told."""
    if any(prefix + key not in shapes for key in entry.get("keys", ())):
        return False
    for key, (axis, length) in entry.get("shapes", {}).items():
        shape = shapes.get(prefix + key, ())
        if len(shape) <= axis or shape[axis] != length:
            return False
    return all(_spread(path, prefix + key) > least for key, least in entry.get("spread", {}).items())


def _spread(path: Path, key: str) -> float:
    """The standard deviation of one tensor of a safetensors file; 0 where it cannot be told."""
    kinds = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}
    if path.suffix.lower() != ".safetensors":
        return 0.0
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        told = json.loads(file.read(length)).get(key)
        if told is None or told["dtype"] not in kinds:
            return 0.0
        first, last = told["data_offsets"]
        file.seek(8 + length + first)
        values = np.frombuffer(file.read(last - first), kinds[told["dtype"]])
    if told["dtype"] == "BF16":
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return float(values.astype(np.float64).std())
