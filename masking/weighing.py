"""What a loaded model weighs: the tensors that it really holds, found wherever they hang in it, each counted once."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

DEEP = 8
"""So many steps from attribute to attribute a tensor is looked for."""

LONG = 256
"""Collections with more in them are vocabularies and the like, not parts."""


def modules(thing: object) -> "list[Any]":
    """The outermost torch modules in it, in the order in which they hang there."""
    return [each for each in _walk(thing) if _is(each, "Module")]


def weigh(thing: object, device: str | None = None) -> int:
    """Bytes of its parameters, buffers and other tensors; with `device` (torch's type) of those that lie there.

    A model of onnxruntime counts as its file, in main memory.
    """
    found: dict[object, int] = {}
    for each in _walk(thing):
        for tensor in _tensors(each):
            if device is None or tensor.device.type == device:
                storage = tensor.untyped_storage()
                found[storage._cdata] = storage.nbytes()
        if _is_session(each) and device in (None, "cpu"):
            with suppress(OSError):  # whose file has been removed since counts for nothing
                found[id(each)] = os.path.getsize(each._model_path)
    return sum(found.values())


def _tensors(each: Any) -> Iterator[Any]:
    if _is(each, "Module"):
        yield from each.parameters()
        yield from each.buffers()
    elif _is(each, "Tensor"):
        yield each


def _walk(thing: object) -> Iterator[Any]:
    """Everything that hangs in it, each once; what is in a module or a tensor belongs to that."""
    seen: set[int] = set()
    waiting = [(thing, 0)]
    while waiting:
        each, depth = waiting.pop(0)
        if id(each) in seen or depth > DEEP:
            continue
        seen.add(id(each))
        yield each
        if not (_is(each, "Module") or _is(each, "Tensor") or isinstance(each, type)):
            waiting += [(part, depth + 1) for part in _parts(each)]


def _parts(each: Any) -> list[Any]:
    if isinstance(each, dict):
        return list(each.values()) if len(each) <= LONG else []
    if isinstance(each, list | tuple | set | frozenset):
        return list(each) if len(each) <= LONG else []
    return list(getattr(each, "__dict__", {}).values())


def _is(each: object, kind: str) -> bool:
    """Whether it is one of torch's modules or tensors; nothing is where torch was never needed."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and isinstance(each, torch.nn.Module if kind == "Module" else torch.Tensor)


def _is_session(each: object) -> bool:
    return type(each).__name__ == "InferenceSession" and bool(getattr(each, "_model_path", ""))
