"""Where the components of a checkpoint lie: in its own file or folder, beside it, in `models/parts`, or with us."""

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.models import model_folders
from configs.settings import ROOT, Settings
from masking.errors import BrokenModel, ModelMissing
from masking.residency import Stamp, stamp
from pipelines import kinds, scaled
from pipelines.tensor_files import tensor_shapes

OURS = ROOT / "configs" / "parts"
BESIDE = ".parts"
"""The folder `x.parts` beside `x.safetensors` has what differs for that file alone, in diffusers' layout."""

OWN = "*"
"""In `configs/kinds.json`, for a part whose names begin as those by which the kind was told."""

Marks = tuple[Stamp | None, ...]

CONFIGS = {"scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json"}
"""A part's own file of settings, by the beginning of its name; `config.json` where none is told."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """A checkpoint's components by their names in diffusers, as they lay when it was looked at.

    path: a single file, or a diffusers folder. folders: in diffusers' layout; the first one that has a part has its
    say. held: the parts whose weights are in the file, and how their names begin there. more: settings over configs.
    """

    path: Path
    family: str
    kind: str
    folders: tuple[Path, ...]
    held: dict[str, str] = field(default_factory=dict)
    more: dict[str, dict[str, Any]] = field(default_factory=dict)

    def config(self, part: str) -> dict[str, Any]:
        """A part's settings. Raises ModelMissing (there are none) or BrokenModel."""
        if part not in self._configs:
            file = self.folder(part) / _config_name(part)
            try:
                self._configs[part] = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError) as problem:
                told = f"The checkpoint at {self.path} is damaged: {problem}."
                raise BrokenModel(told, field="checkpoint") from problem
        return self._configs[part] | self.more.get(part, {})

    @functools.cached_property
    def _configs(self) -> dict[str, dict[str, Any]]:
        """Those that were read."""
        return {}

    def has(self, part: str) -> bool:
        """Whether a part is there, with its weights where it has any."""
        folders = [folder / part for folder in self.folders if (folder / part).is_dir()]
        if part in self.held or part.startswith(("scheduler", "tokenizer", "processor")) or self.path.is_dir():
            return bool(folders)
        return bool(folders) and any(folders[0].glob("*.safetensors"))

    def folder(self, part: str) -> Path:
        """The folder with a part's settings, and, where the file does not hold them, its weights."""
        found = next((folder / part for folder in self.folders if (folder / part).is_dir()), None)
        if found is None:
            raise BrokenModel(f"The checkpoint at {self.path} has no {part}.", field="checkpoint")
        return found


def marks(path: Path, settings: Settings) -> Marks:
    """What changes when any file does that tells of the parts of the checkpoint at `path`."""
    if path.is_dir():
        return (stamp(path),)
    shared = [root / "parts" for root in model_folders(settings)]
    return tuple(stamp(place) for place in (path, path.with_suffix(BESIDE), *shared))


def of_folder(path: Path) -> Parts:
    """The parts of a diffusers folder. Raises BrokenModel; NotSupported is the family's to say."""
    try:
        index = json.loads((path / "model_index.json").read_text(encoding="utf-8"))
        pipeline = str(index["_class_name"])
        scheduler = str(index["scheduler"][1]) if index.get("scheduler") else ""
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        raise BrokenModel(f"The checkpoint at {path} is damaged: {problem}.", field="checkpoint") from problem
    family = kinds.table()["pipelines"].get(pipeline, "")
    family = kinds.table()["schedulers"].get(scheduler, {}).get(family, family)
    return Parts(path=path, family=family, kind=pipeline, folders=(path,))


def of_file(path: Path, settings: Settings) -> Parts:
    """The parts of a single file. Raises ModelMissing for what lies nowhere, NotSupported or BrokenModel."""
    shapes = tensor_shapes(path, field="checkpoint")
    kind = kinds.tell(path, shapes)
    scaled.refuse_packed(path)
    told = kinds.table()["parts"][kind.configs]
    beside = path.with_suffix(BESIDE)
    shared = [root / "parts" / kind.configs for root in model_folders(settings)]
    begins = {part: kind.prefix if prefix == OWN else prefix for part, prefix in told["held"].items()}
    held = {part: prefix for part, prefix in begins.items() if any(name.startswith(prefix) for name in shapes)}
    found = Parts(
        path=path,
        family=kind.family,
        kind=kind.name,
        folders=tuple(folder for folder in (beside, *shared, OURS / kind.configs) if folder.is_dir()),
        held=held,
        more=kind.more,
    )
    if missing := [part for part in told["needed"] if not found.has(part)]:
        raise _missing(found, missing, shared[0], told["source"])
    return found


def _missing(parts: Parts, missing: list[str], shared: Path, source: str) -> ModelMissing:
    many = len(missing) > 1
    names = ", ".join(missing)
    return ModelMissing(
        f"The checkpoint {parts.path.name} ({parts.kind}) does not bring its {names} along, and "
        f"{', '.join(str(shared / part) for part in missing)} {'are' if many else 'is'} not there: put the "
        f"{'folders' if many else 'folder'} {names} of {source} there, as {'they are' if many else 'it is'}.",
        field="checkpoint",
    )


def _config_name(part: str) -> str:
    return next((name for begin, name in CONFIGS.items() if part.startswith(begin)), "config.json")
