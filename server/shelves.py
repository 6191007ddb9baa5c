"""What lies in the model folders, and what of it is new since somebody looked last."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from configs.models import STARTER, model_folders
from configs.settings import Settings

SUFFIXES = (".safetensors", ".ckpt", ".pth", ".pt", ".bin", ".patch", ".onnx", ".gguf")
MARKS = ("model_index.json", "config.json")
"""A folder that has one of these is a model itself."""

Name = tuple[str, str]
"""The folder below a models folder, and the model's name below that, with slashes."""
Stamp = tuple[int, int]
"""Bytes, and the newest change in ns since 1970."""


@dataclass(frozen=True, kw_only=True)
class News:
    """found: what there is. new, changed, gone: since the last look. Names by folder, both in alphabetical order."""

    found: Mapping[str, list[str]]
    new: Mapping[str, list[str]]
    changed: Mapping[str, list[str]]
    gone: Mapping[str, list[str]]


class Shelves:
    """Remembers what it saw last. Safe to use from threads; its methods block."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._seen = _all(settings)

    def look(self) -> News:
        """Look through the folders again."""
        with self._turn:
            before, self._seen = self._seen, _all(self._settings)
            now = self._seen
        return News(
            found=_by_folder(now),
            new=_by_folder(now.keys() - before.keys()),
            changed=_by_folder(name for name in now.keys() & before.keys() if now[name] != before[name]),
            gone=_by_folder(before.keys() - now.keys()),
        )


def _all(settings: Settings) -> dict[Name, Stamp]:
    """Every model; where two roots have one of the same name, the first root's."""
    found: dict[Name, Stamp] = {}
    for root in model_folders(settings):
        for folder in sorted(root.glob("*/")):
            if folder != STARTER and not folder.name.startswith("."):
                for path in _models(folder):
                    found.setdefault((folder.name, path.relative_to(folder).as_posix()), _stamp(path))
    return found


def _models(folder: Path) -> Iterator[Path]:
    """Weight files, and folders that are one model, at any depth; what may not be read is not there."""
    inside = sorted(folder.iterdir()) if os.access(folder, os.R_OK | os.X_OK) else []
    for path in inside:
        if path.is_dir():
            yield from (path,) if any((path / mark).is_file() for mark in MARKS) else _models(path)
        elif path.suffix in SUFFIXES and path.is_file() and not path.name.startswith("."):
            yield path


def _stamp(path: Path) -> Stamp:
    inside = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    told = [os.stat(file) for file in inside]
    return sum(one.st_size for one in told), max((one.st_mtime_ns for one in told), default=0)


def _by_folder(names: Iterable[Name]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for folder, name in sorted(names):
        found.setdefault(folder, []).append(name)
    return found
