"""Where known weights are to be had (`configs/`): facts about files that others made and keep."""

import json

from configs.models import download_command
from configs.settings import ROOT, Settings
from masking import weights
from masking.errors import ModelMissing
from pipelines import describers, hub
from pipelines.presets import Preset

CONFIGS = ROOT / "configs"


def known_sources() -> dict[tuple[str, str], str]:
    """Folder (below the models folder) and name of every known file, with its URL."""
    checkpoints, companions = (
        json.loads((CONFIGS / f"{file}.json").read_text(encoding="utf-8")) for file in ("checkpoints", "companions")
    )
    known = {("checkpoints", name): told["url"] for name, told in checkpoints.items()}
    known |= {(kind, name): url for kind, files in companions.items() for name, url in files.items()}
    for files in models().values():
        known |= files
    return known


def models() -> dict[str, dict[tuple[str, str], str]]:
    """The models that are known by a name of their own: by it their files, each with its URL."""
    return weights.files() | {name: known.files for name, known in describers.known().items()}


def tells_where(preset: Preset) -> bool:
    """Whether the preset itself, or `configs/`, tells where its checkpoint is to be had, or its name does."""
    told = {(one.folder, one.name) for one in preset.downloads}
    return ("checkpoints", preset.checkpoint) in {*told, *known_sources()} or hub.is_name(preset.checkpoint)


def to_fetch(preset: Preset, settings: Settings, field: str) -> ModelMissing:
    """That a preset's checkpoint is missing, and how to get all that it needs; to be raised, blaming `field`."""
    return ModelMissing(
        f"The checkpoint {preset.checkpoint!r} of preset {preset.name!r} is not installed. Fetch all that the preset "
        f"needs with: {download_command(preset.name, settings)}",
        field=field,
    )
