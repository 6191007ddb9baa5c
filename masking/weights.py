"""Where known weights of mask models are to be had: `configs/mask_weights.json`."""

import json
from functools import cache

from configs.settings import ROOT

SOURCES = ROOT / "configs" / "mask_weights.json"


def how_to_get(folder: str) -> dict[str, str]:
    """What a person does to get each known model of a folder below `models/`, by the model's name."""
    told = {}
    for name, (file, url) in _sources()[folder].items():
        told[name] = f"Fetch it: curl -L --create-dirs -o models/{folder}/{file} {url}"
    return told


@cache
def _sources() -> dict[str, dict[str, tuple[str, str]]]:
    return json.loads(SOURCES.read_text(encoding="utf-8"))
