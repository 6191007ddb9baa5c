"""From a checkpoint's name to its place and its family, without loading it (and without torch)."""

import difflib
import functools
import json
from pathlib import Path

from configs.models import download_command, model_folders
from configs.settings import ROOT, Settings
from masking.errors import InvalidValue, ModelMissing, NotSupported
from pipelines import hub, kinds, parts, tensor_files, variants
from pipelines.families import Checkpoint, families

KNOWN = ROOT / "configs" / "checkpoints.json"
SUFFIXES = tensor_files.SUFFIXES


def installed(settings: Settings) -> dict[str, Path]:
    """Every checkpoint in `checkpoints/` of the model folders by its name: its path below that folder, with slashes."""
    found: dict[str, Path] = {}
    for root in model_folders(settings):
        for path in _below(root / "checkpoints"):
            found.setdefault(path.relative_to(root / "checkpoints").as_posix(), path)
    return found


def find(name: str, settings: Settings) -> Checkpoint:
    """The checkpoint of that name.

    Raises ModelMissing (a known one that is not installed, or what may be a repository's name), InvalidValue (no such
    name), NotSupported or BrokenModel.
    """
    places = installed(settings)
    if name in places:
        path = places[name]
        return _describe(name, path, settings, parts.marks(path, settings))
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    if name in known:
        command = download_command(name, settings)
        raise ModelMissing(f"The checkpoint {name!r} is not installed. Fetch it with: {command}", field="checkpoint")
    near = difflib.get_close_matches(name, [*places, *known], n=3, cutoff=0)
    hint = f"the nearest names are {', '.join(near)}" if near else f"none is installed in {settings.models_path}"
    if hub.is_name(name):
        raise ModelMissing(
            f"There is no checkpoint {name!r} here; {hint}. If it is a repository of Hugging Face's in diffusers' "
            f"format, fetch it with: {download_command(name, settings)}",
            field="checkpoint",
        )
    raise InvalidValue(f"There is no checkpoint {name!r}; {hint}.", field="checkpoint")


def is_fooocus_default(name: str) -> bool:
    """Whether clients of FooocusAPI send this name without meaning it: it is the default of their request."""
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    return bool(known.get(name, {}).get("default", False))


def _below(folder: Path) -> list[Path]:
    """Single files and diffusers folders at any depth; what lies inside a diffusers folder is part of it."""
    if not folder.is_dir():
        return []
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.suffix == parts.BESIDE:
            continue
        if path.is_dir():
            found += [path] if (path / "model_index.json").is_file() else _below(path)
        elif path.suffix in SUFFIXES and not _is_component(path):
            found.append(path)
    return found


def _is_component(path: Path) -> bool:
    """Whether it is the weights of a component of a folder that has not come whole yet."""
    return variants.is_of_weights(path.name) and (path.parent / "config.json").is_file()


@functools.lru_cache(maxsize=64)
def _describe(name: str, path: Path, settings: Settings, _marks: parts.Marks) -> Checkpoint:
    """Kept for as long as its files stay as they are, for to read them takes longer than to look at them."""
    found = parts.of_folder(path) if path.is_dir() else parts.of_file(path, settings)
    if found.family not in families():
        known = ", ".join(kinds.table()["pipelines"])
        raise NotSupported(
            f"The checkpoint {name!r} is made for diffusers' {found.kind}, which this version cannot paint with; it "
            f"can with {known}.",
            field="checkpoint",
        )
    return families()[found.family].describe(name, found)
