"""Checkpoints as torch saves them, read without running anything that they hold."""

from pathlib import Path
from typing import Any

from masking.errors import BrokenModel


def read_state(file: Path, *, blamed: str) -> dict[str, Any]:
    """The tensors by name: of the file itself, or of its "model"; without DataParallel's "module." before them.

    Raises BrokenModel, which blames the field that asked for the file.
    """
    import pickle

    import torch

    try:
        told = torch.load(file, map_location="cpu", weights_only=True, mmap=False)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as problem:
        raise BrokenModel(f"{file} cannot be read as a checkpoint: {problem}", field=blamed) from problem
    state = told.get("model", told) if isinstance(told, dict) else None
    if not isinstance(state, dict) or not all(torch.is_tensor(value) for value in state.values()):
        raise BrokenModel(f"{file} holds no tensors by name.", field=blamed)
    return {str(name).removeprefix("module."): value for name, value in state.items()}
