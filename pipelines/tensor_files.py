"""Headers of weight files, read without the libraries that load them."""

import json
import struct
from pathlib import Path

from masking.errors import BrokenModel, NotSupported

LONGEST_HEADER = 100_000_000


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Every tensor's shape by its name. Raises NotSupported (no safetensors) or BrokenModel."""
    if path.suffix != ".safetensors":
        raise NotSupported(f"{path.name} is no safetensors file, and only those can be used.", field="vae")
    try:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(min(length, LONGEST_HEADER)))
        return {name: tuple(told["shape"]) for name, told in header.items() if name != "__metadata__"}
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as problem:
        raise BrokenModel(f"The file {path.name} is damaged: {problem}.", field="vae") from problem
