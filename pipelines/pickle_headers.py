"""What tensors a file of torch's holds, from its pickle, which is read by an interpreter that can run nothing."""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

SUFFIXES = (".ckpt", ".pt", ".pth", ".bin")
WRAPS = ("state_dict", "string_to_param")
LONGEST_PICKLE = 200_000_000


class _Tensor:
    """A tensor's shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape


class _Nothing:
    """Stands for everything else that a pickle may name; swallows whatever is done to it."""

    def __init__(self, *_values: Any, **_more: Any) -> None: ...

    def __setstate__(self, _state: Any) -> None: ...

    def __setitem__(self, _key: Any, _value: Any) -> None: ...

    def append(self, _value: Any) -> None: ...

    def extend(self, _values: Any) -> None: ...


def _tensor(_storage: Any, _offset: Any, shape: tuple[int, ...], *_more: Any) -> _Tensor:
    return _Tensor(tuple(int(length) for length in shape))


def _parameter(tensor: Any, *_more: Any) -> Any:
    return tensor


STAND_INS: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("collections", "OrderedDict"): OrderedDict,
}


class _Reader(pickle.Unpickler):
    """Knows how tensors are written; every other name stands for nothing, so nothing can be called."""

    def find_class(self, module: str, name: str) -> Any:
        return STAND_INS.get((module, name), _Nothing)

    def persistent_load(self, _identity: Any) -> Any:
        return _Nothing()


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Every tensor's shape by its name, also of those below one of WRAPS. Raises ValueError or OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            entry = next(info for info in archive.infolist() if info.filename.endswith("data.pkl"))
            if entry.file_size > LONGEST_PICKLE:
                raise ValueError("its list of tensors would be longer than any can be")
            with archive.open(entry) as content:
                told = _Reader(content).load()
    except (zipfile.BadZipFile, StopIteration) as problem:
        raise ValueError("it is not in the form that torch writes since 1.6; convert it to safetensors") from problem
    except (pickle.UnpicklingError, EOFError, AttributeError, RecursionError) as problem:
        raise ValueError(f"its list of tensors cannot be read ({problem})") from problem
    while isinstance(told, dict) and (below := next((name for name in WRAPS if name in told), None)):
        told = told[below]
    if not isinstance(told, dict):
        return {}
    return {str(name): value.shape for name, value in told.items() if isinstance(value, _Tensor)}
