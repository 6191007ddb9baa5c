"""A folder of plug-ins that know models by name: what could be installed, what is, and how it is loaded."""

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from configs.models import download_command, model_folders
from configs.settings import Settings
from masking.errors import ModelMissing

M_co = TypeVar("M_co", covariant=True)


class Library(Protocol[M_co]):
    """What a file in such a folder has as `library`; all but `load` must be light, for the HTTP process asks."""

    def known(self) -> Sequence[str]:
        """Every model that `launch.py download` fetches by its name."""

    def installed(self, folders: Sequence[Path]) -> dict[str, Path]:
        """Every model whose file lies under one of the roots; the first root that has it wins."""

    def load(self, name: str, file: Path, settings: Settings, device: str) -> M_co:
        """Raises BrokenModel when the file is not what it should be, ModelMissing when it needs another one."""


class Shelf(Generic[M_co]):
    """The libraries that lie in one package, found by being there. `kind` is what its models are called."""

    def __init__(self, package: str, path: Iterable[str], kind: str) -> None:
        self._package, self._path, self._kind = package, path, kind

    def libraries(self) -> tuple[Library[M_co], ...]:
        """In alphabetical order of their files."""
        files = pkgutil.iter_modules(list(self._path))
        return tuple(importlib.import_module(f"{self._package}.{file.name}").library for file in files)

    def known(self) -> tuple[str, ...]:
        """Every model that `launch.py download` fetches by its name."""
        return tuple(name for library in self.libraries() for name in library.known())

    def installed(self, settings: Settings) -> tuple[str, ...]:
        """The names of the models whose files are there."""
        folders = model_folders(settings)
        return tuple(sorted({name for library in self.libraries() for name in library.installed(folders)}))

    def file(self, name: str, settings: Settings) -> Path | None:
        """The file or folder of an installed model."""
        places = (library.installed(model_folders(settings)).get(name) for library in self.libraries())
        return next((place for place in places if place is not None), None)

    def load(self, name: str, settings: Settings, device: str = "cpu") -> M_co:
        """The model, ready to run on `device` (torch's name). Raises ModelMissing or BrokenModel."""
        for library in self.libraries():
            file = library.installed(model_folders(settings)).get(name)
            if file is not None:
                return library.load(name, file, settings, device)
        way = f" Fetch it with: {download_command(name, settings)}" if name in self.known() else ""
        raise ModelMissing(f'The file of {self._kind} "{name}" is not there any more.{way}')
