"""Mask models that are known by name, and where their files are to be had: `configs/mask_weights.json`."""

import json
from functools import cache

from configs.settings import ROOT

SOURCES = ROOT / "configs" / "mask_weights.json"


def known(folder: str) -> tuple[str, ...]:
    """The names of the models that belong in a folder below `models/`."""
    return tuple(_sources()[folder])


def files() -> dict[str, dict[tuple[str, str], str]]:
    """By each model's name its files: folder below `models/` and name therein, with the URL."""
    return {
        name: {(folder, file): url for file, url in needed.items()}
        for folder, models in _sources().items()
        for name, needed in models.items()
    }


@cache
def _sources() -> dict[str, dict[str, dict[str, str]]]:
    return json.loads(SOURCES.read_text(encoding="utf-8"))
