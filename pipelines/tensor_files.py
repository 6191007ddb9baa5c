"""Headers of weight files, read without the libraries that load them: the name and shape of every tensor."""

import json
import struct
from pathlib import Path
from typing import BinaryIO

from masking.errors import BrokenModel, NotSupported
from pipelines import pickle_headers

Shapes = dict[str, tuple[int, ...]]

SUFFIXES = (".safetensors", ".gguf", *pickle_headers.SUFFIXES)

LONGEST_HEADER = 100_000_000
LONGEST_TEXT = 1 << 24
MOST_ENTRIES = 1_000_000
MOST_AXES = 8

GGUF_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of GGUF's plain value types; 8 is a text, 9 a list."""


def tensor_shapes(path: Path, *, field: str = "vae") -> Shapes:
    """Every tensor's shape by its name. Raises NotSupported (no file of weights) or BrokenModel, which blame `field`.

    A pickle's instructions are read and not obeyed: nothing in the file is run.
    """
    readers = {".safetensors": _safetensors, ".gguf": _gguf} | dict.fromkeys(
        pickle_headers.SUFFIXES, pickle_headers.shapes
    )
    if path.suffix.lower() not in readers:
        raise NotSupported(f"{path.name} is no file of weights: {', '.join(readers)} are.", field=field)
    try:
        shapes = readers[path.suffix.lower()](path)
    except (
        OSError,
        ValueError,
        struct.error,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
    ) as problem:
        raise BrokenModel(
            f"The file {path.name} is damaged or no {path.suffix} file: {problem}.", field=field
        ) from problem
    if not shapes:
        raise BrokenModel(f"The file {path.name} holds no tensors.", field=field)
    return shapes


def metadata(path: Path) -> dict[str, str]:
    """The texts that a safetensors file tells of itself; none of any other file."""
    if path.suffix.lower() != ".safetensors":
        return {}
    told = _header(path).get("__metadata__") or {}
    return {str(name): str(text) for name, text in told.items()}


def numbers(path: Path) -> dict[str, str]:
    """What a safetensors file's tensors are made of ("F16", "F8_E4M3", …) by their names; none of any other file."""
    if path.suffix.lower() != ".safetensors":
        return {}
    return {name: str(told["dtype"]) for name, told in _header(path).items() if name != "__metadata__"}


def _safetensors(path: Path) -> Shapes:
    return {name: tuple(told["shape"]) for name, told in _header(path).items() if name != "__metadata__"}


def _header(path: Path) -> dict[str, dict]:
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        if length > LONGEST_HEADER:
            raise ValueError("its header would be longer than any can be")
        header: dict[str, dict] = json.loads(file.read(length))
    whole = (
        8
        + length
        + max((told["data_offsets"][1] for name, told in header.items() if name != "__metadata__"), default=0)
    )
    if path.stat().st_size < whole:
        raise ValueError(f"it has {path.stat().st_size} bytes instead of {whole}; fetch it again")
    return header


def _gguf(path: Path) -> Shapes:
    """GGUF version 2 or 3: the axes lie in the file the other way round."""
    with path.open("rb") as file:
        magic, version, tensors, entries = struct.unpack("<4sIQQ", file.read(24))
        if magic != b"GGUF" or version not in (2, 3) or max(tensors, entries) > MOST_ENTRIES:
            raise ValueError("it does not begin as GGUF of version 2 or 3 does")
        for _ in range(entries):
            _text(file)
            _skip(file, struct.unpack("<I", file.read(4))[0])
        shapes: Shapes = {}
        for _ in range(tensors):
            name = _text(file)
            axes = struct.unpack("<I", file.read(4))[0]
            if axes > MOST_AXES:
                raise ValueError(f"the tensor {name[:80]!r} has {axes} axes")
            shapes[name] = tuple(reversed(struct.unpack(f"<{axes}Q", file.read(8 * axes))))
            file.seek(12, 1)
    return shapes


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == 8:
        _text(file)
    elif kind == 9:
        inner, count = struct.unpack("<IQ", file.read(12))
        if inner in GGUF_SIZES:
            file.seek(GGUF_SIZES[inner] * count, 1)
        else:
            for _ in range(min(count, LONGEST_TEXT)):
                _skip(file, inner)
    else:
        file.seek(GGUF_SIZES[kind], 1)


def _text(file: BinaryIO) -> str:
    length = struct.unpack("<Q", file.read(8))[0]
    if length > LONGEST_TEXT:
        raise ValueError("a text in its header is longer than any can be")
    return file.read(length).decode("utf-8", errors="replace")
