"""Where known weights are to be had (`configs/`): facts about files that others made and keep."""

import json

from configs.models import download_command
from configs.settings import ROOT, Settings
from masking.errors import ModelMissing
from pipelines.presets import Preset

CONFIGS = ROOT / "configs"


def known_sources() -> dict[tuple[str, str], str]:
    """Folder (below the models folder) and name of every known file, with its URL."""
    checkpoints, companions, mask_models = (
        json.loads((CONFIGS / f"{file}.json").read_text(encoding="utf-8"))
        for file in ("checkpoints", "companions", "mask_models")
    )
    known = {("checkpoints", name): told["url"] for name, told in checkpoints.items()}
    known |= {(kind, name): url for kind, files in companions.items() for name, url in files.items()}
    return known | {("rembg", f"{name}.onnx"): url for name, url in mask_models.items()}


def tells_where(preset: Preset) -> bool:
    """Whether the preset itself, or `configs/`, tells where its checkpoint is to be had."""
    told = {(one.folder, one.name) for one in preset.downloads}
    return ("checkpoints", preset.checkpoint) in {*told, *known_sources()}


def to_fetch(preset: Preset, settings: Settings, field: str) -> ModelMissing:
    """That a preset's checkpoint is missing, and how to get all that it needs; to be raised, blaming `field`."""
    return ModelMissing(
        f"The checkpoint {preset.checkpoint!r} of preset {preset.name!r} is not installed. Fetch all that the preset "
        f"needs with: {download_command(preset.name, settings)}",
        field=field,
    )
