"""Mask models. One file here per model, or per library that brings several; it is found by being here.

Such a file has a `library`: a MaskLibrary. It imports heavy libraries inside its functions only.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PIL import Image

from configs.models import model_folders
from configs.settings import Settings
from masking.errors import ModelMissing
from masking.plans import MaskPlan


class MaskModel(Protocol):
    """A loaded model."""

    def mask(self, picture: Image.Image, plan: MaskPlan) -> Image.Image:
        """What stands out in an RGB picture: "L", same size, 255 = the object, soft edges; black if nothing does."""


class MaskLibrary(Protocol):
    """Names, files and loading; all but `load` must be light, for the HTTP process asks."""

    def known(self) -> dict[str, str]:
        """Every model that could be installed by name, with how to get its file."""

    def installed(self, folders: Sequence[Path]) -> dict[str, Path]:
        """Every model whose file lies under one of the roots; the first root that has it wins."""

    def load(self, name: str, file: Path, settings: Settings) -> MaskModel:
        """Raises BrokenModel when the file is not what it should be."""


def libraries() -> tuple[MaskLibrary, ...]:
    return tuple(importlib.import_module(f"{__name__}.{file.name}").library for file in pkgutil.iter_modules(__path__))


def known() -> dict[str, str]:
    """Every mask model that could be installed by name, with how to get its file."""
    return {name: how for library in libraries() for name, how in library.known().items()}


def installed(settings: Settings) -> tuple[str, ...]:
    """The names of the mask models whose files are there."""
    return tuple(sorted({name for library in libraries() for name in library.installed(model_folders(settings))}))


def load(name: str, settings: Settings) -> MaskModel:
    """The model, ready to run. Raises ModelMissing when its file is not there, BrokenModel when it is no model."""
    for library in libraries():
        file = library.installed(model_folders(settings)).get(name)
        if file is not None:
            return library.load(name, file, settings)
    raise ModelMissing(f'The file of mask model "{name}" is not there any more. {known().get(name, "")}'.strip())
