"""Presets: JSON files with Fooocus's own keys, ours in `configs/presets`, a user's beside them. Their one reader."""

import difflib
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.settings import ROOT
from masking.errors import InvalidValue

FOLDER = ROOT / "configs" / "presets"
USERS_FOLDER = "presets"


@dataclass(frozen=True, kw_only=True)
class PresetLora:
    """A LoRA that a preset brings along."""

    name: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class PresetDownload:
    """Where a file is to be had. folder: below the models folder. url: `#sha256=<hexadecimal digits>` may end it."""

    folder: str
    name: str
    url: str


DOWNLOADS = {
    "checkpoint_downloads": "checkpoints",
    "lora_downloads": "loras",
    "embeddings_downloads": "embeddings",
    "vae_downloads": "vae",
}
"""Fooocus's keys, and the folder that each of them fills."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What is used where a request says nothing. `steps` is 0 where the performance mode shall decide.

    width, height: pixels. sizes: what the preset offers, (width, height) each. vae: "" = the checkpoint's own.
    refiner: "" = none. downloads: what the preset tells where to get.
    """

    name: str
    checkpoint: str
    mask_model: str
    describe_model: str
    upscaler: str
    sam_model: str
    dino_model: str
    prompt: str
    negative_prompt: str
    guidance_scale: float
    sharpness: float
    adaptive_cfg: float
    sampler: str
    scheduler: str
    clip_skip: int
    performance: str
    steps: int
    width: int
    height: int
    sizes: tuple[tuple[int, int], ...]
    styles: tuple[str, ...]
    vae: str
    loras: tuple[PresetLora, ...]
    refiner: str
    inpaint_engine: str
    downloads: tuple[PresetDownload, ...]


def places(user_folder: Path | None = None) -> dict[str, Path]:
    """Every preset's file by its name, in alphabetical order; `<user_folder>/presets/*.json` come before ours."""
    found: dict[str, Path] = {}
    for folder in (FOLDER,) if user_folder is None else (user_folder / USERS_FOLDER, FOLDER):
        for path in folder.glob("*.json"):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def names(user_folder: Path | None = None) -> tuple[str, ...]:
    """All presets there are, in alphabetical order."""
    return tuple(places(user_folder))


def load(name: str, user_folder: Path | None = None) -> Preset:
    """The preset of that name. Raises InvalidValue, with the nearest names, when there is none that can be read."""
    known = places(user_folder)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0)
        raise InvalidValue(f"There is no preset {name!r}; the nearest are {', '.join(near)}.", field="preset")
    return read(known[name])


def read(path: Path) -> Preset:
    """The preset in a JSON file; what it leaves out is as in Fooocus. Raises InvalidValue for a file that is none."""
    try:
        told = path.stat()
        return _read(path, (told.st_mtime_ns, told.st_size))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError) as problem:
        raise InvalidValue(
            f"The preset file {path.name} cannot be read ({problem!r}): it must be a JSON object with Fooocus's keys.",
            field="preset",
        ) from problem


@functools.lru_cache(maxsize=64)
def _read(path: Path, _stamp: tuple[int, int]) -> Preset:
    """Kept for as long as the file stays as it is."""
    told = json.loads(path.read_text(encoding="utf-8-sig"))
    return _preset(path.stem, {key: value for key, value in told.items() if value is not None})


def _preset(name: str, told: dict[str, Any]) -> Preset:
    width, height = _size(told.get("default_aspect_ratio", "1152*896"))
    return Preset(
        name=name,
        checkpoint=str(told.get("default_model", "juggernautXL_v8Rundiffusion.safetensors")),
        mask_model=str(told.get("default_mask_model", "isnet-general-use")),
        describe_model=str(told.get("default_describe_model", "blip-image-captioning-base")),
        upscaler=str(told.get("default_upscaler", "fooocus_upscaler_s409985e5.bin")),
        sam_model=str(told.get("default_sam_model", "vit_b")),
        dino_model=str(told.get("default_dino_model", "groundingdino_swint_ogc")),
        prompt=str(told.get("default_prompt", "")),
        negative_prompt=str(told.get("default_prompt_negative", "")),
        guidance_scale=float(told.get("default_cfg_scale", 7.0)),
        sharpness=float(told.get("default_sample_sharpness", 2.0)),
        adaptive_cfg=float(told.get("default_cfg_tsnr", 7.0)),
        sampler=str(told.get("default_sampler", "dpmpp_2m_sde_gpu")),
        scheduler=str(told.get("default_scheduler", "karras")),
        clip_skip=int(told.get("default_clip_skip", 2)),
        performance=str(told.get("default_performance", "Speed")),
        steps=max(0, int(told.get("default_overwrite_step", 0))),
        width=width,
        height=height,
        sizes=tuple(_size(text) for text in told.get("available_aspect_ratios", ())),
        styles=tuple(str(style) for style in told.get("default_styles", ())),
        vae=_named(told.get("default_vae")),
        loras=tuple(lora for entry in told.get("default_loras", ()) if (lora := _lora(entry))),
        refiner=_named(told.get("default_refiner")),
        inpaint_engine=_named(told.get("default_inpaint_engine_version", "v2.6")),
        downloads=tuple(
            PresetDownload(folder=folder, name=str(name), url=str(url))
            for key, folder in DOWNLOADS.items()
            for name, url in told.get(key, {}).items()
        ),
    )


def _named(value: str | None) -> str:
    """A file's name; "" for all that means none."""
    return "" if value in (None, "", "None", "Default (model)") else str(value)


def _lora(entry: list[Any]) -> PresetLora | None:
    """Of `[name, weight]`, or of `[enabled, name, weight]`; None for one that is off."""
    *enabled, name, weight = entry
    if not all(enabled) or not _named(name) or not weight:
        return None
    return PresetLora(name=str(name), weight=float(weight))


def _size(text: str) -> tuple[int, int]:
    width, height = text.replace("×", "*").split("*")
    return int(width), int(height)
