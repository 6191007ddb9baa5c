"""Repositories of Hugging Face's in diffusers' format: `owner/name` stands for `checkpoints/owner/name`."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from masking.errors import InvalidValue, NotSupported
from pipelines import kinds, variants
from pipelines.tensor_files import SUFFIXES

SITE = "https://huggingface.co"
INDEX = "model_index.json"
FOLDER = "checkpoints"

WORD = r"\w(?:[\w.+-]{0,94}\w)?"
NAME = re.compile(f"{WORD}/{WORD}", re.ASCII)
"""Of a repository, and of a file in a folder: nothing that leads elsewhere."""

SETTINGS = (".json", ".txt", ".model", ".jinja")
WITHOUT = ("safety_checker", "feature_extractor", "image_encoder")
"""Components that no family uses."""


def is_name(name: str) -> bool:
    """Whether it could be a repository's, and is no file's."""
    return bool(NAME.fullmatch(name)) and ".." not in name and not name.lower().endswith(SUFFIXES)


def page(folder: str, name: str) -> str:
    """Where people look at the repository that a file below the models folder could be; "" where it can be none."""
    return f"{SITE}/{name}" if folder == FOLDER and is_name(name) else ""


def is_there(name: str, folders: Sequence[Path]) -> bool:
    """Whether a repository lies in one of the models folders: its index comes last."""
    return any((folder / FOLDER / name / INDEX).is_file() for folder in folders)


def chosen(name: str, index: Mapping[str, Any], files: Sequence[str]) -> list[str]:
    """Of a repository's files those to fetch, the index last: settings, and weights as safetensors, best in 16 bits.

    index: what its model_index.json tells. Raises NotSupported for another kind of model, InvalidValue where a part is
    missing.
    """
    pipeline = str(index.get("_class_name"))
    if pipeline not in kinds.table()["pipelines"]:
        raise NotSupported(
            f"{name} is made for diffusers' {pipeline}, which this version cannot paint with; it can with "
            f"{', '.join(kinds.table()['pipelines'])}.",
            field="preset",
        )
    parts = [part for part, told in index.items() if isinstance(told, list) and told[0] and part not in WITHOUT]
    found: list[str] = []
    for part in sorted(parts):
        inside = [file for file in sorted(files) if file.startswith(f"{part}/") and NAME.fullmatch(file)]
        found += _of_part(name, part, [file.removeprefix(f"{part}/") for file in inside])
    return [*found, INDEX]


def _of_part(name: str, part: str, files: Sequence[str]) -> list[str]:
    """Settings before weights, so that nobody takes the weights for a checkpoint of their own."""
    settings = [file for file in files if file.endswith(SETTINGS) and not variants.is_of_weights(file)]
    weights = variants.best(files)
    if not settings or (not weights and any(file.endswith(SUFFIXES) for file in files)):
        what = "with weights as safetensors" if settings else "at all"
        raise InvalidValue(f"{name} has no {part} {what}: look at {SITE}/{name}.", field="preset")
    return [f"{part}/{file}" for file in (*settings, *weights)]
