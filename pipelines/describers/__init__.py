"""Models that put a picture into words, each a folder under `describe/` of the models folders.

One file here per kind of model, found by being here. Such a file has a `library`: a Library. It imports heavy libraries
inside its functions only.
"""

import importlib
import json
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from PIL import Image

from configs.models import model_folders
from configs.settings import ROOT, Settings

if TYPE_CHECKING:
    from pipelines.studio import Studio

Kind = Literal["Photo", "Anime"]
"""Photo: a sentence. Anime: tags."""

SOURCES = ROOT / "configs" / "describers.json"


class Describer(Protocol):
    """A loaded model. The same picture gets the same words."""

    def describe(self, picture: Image.Image) -> str:
        """What an RGB picture shows."""


class Library(Protocol):
    kind: Kind

    def holds(self, folder: Path) -> bool:
        """Whether a folder's files look like a model of this kind; light, for the HTTP process asks."""

    def load(self, folder: Path, studio: "Studio") -> Describer:
        """Raises BrokenModel when the files are not what they should be."""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A model that is there. own: the user's; else it came with Gesso. library: the file here that runs it."""

    name: str
    folder: Path
    library: str
    kind: Kind
    own: bool


@dataclass(frozen=True, kw_only=True)
class Known:
    """A model that `launch.py download` fetches by its name. files: below the models folder, each with its URL."""

    kind: Kind
    files: dict[tuple[str, str], str]


@cache
def libraries() -> dict[str, Library]:
    return {
        file.name: importlib.import_module(f"{__name__}.{file.name}").library for file in pkgutil.iter_modules(__path__)
    }


def installed(settings: Settings) -> dict[str, Installed]:
    """Every model by its folder's name, the user's own before Gesso's."""
    found: dict[str, Installed] = {}
    for root in model_folders(settings):
        for folder in sorted((root / "describe").glob("*/")):
            library = next((name for name, library in libraries().items() if library.holds(folder)), None)
            if library and folder.name not in found:
                kind = libraries()[library].kind
                own = root == settings.models_path
                found[folder.name] = Installed(name=folder.name, folder=folder, library=library, kind=kind, own=own)
    return found


@cache
def known() -> dict[str, Known]:
    """The models that are known by name, best known first."""
    told = json.loads(SOURCES.read_text(encoding="utf-8"))
    return {
        name: Known(
            kind=libraries()[entry["library"]].kind,
            files={("describe", f"{name}/{file}"): f"{entry['from']}/{file}" for file in entry["files"]},
        )
        for name, entry in told.items()
    }
