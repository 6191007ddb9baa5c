"""What goes with a checkpoint (VAEs, LoRAs, inpaint engines, a safety checker, ...): from a name to a place."""

import difflib
import json
from pathlib import Path
from typing import Literal

from configs.models import download_command, model_folders
from configs.settings import ROOT, Settings
from masking.errors import InvalidValue, ModelMissing
from pipelines.checkpoints import SUFFIXES
from pipelines.families import Checkpoint, families

Kind = Literal["loras", "vae", "inpaint", "safety_checker", "prompt_expansion", "embeddings"]

OWN_VAE = ("", "None", "Default (model)")
"""What Fooocus's clients send for the VAE that the checkpoint brings."""

OFFSET_LORA = "sd_xl_offset_example-lora_1.0.safetensors"
"""The LoRA of FooocusAPI's default request: sent by clients that do not mean it."""

ENGINES = {"v1": "inpaint.fooocus.patch", "v2.5": "inpaint_v25.fooocus.patch", "v2.6": "inpaint_v26.fooocus.patch"}
USUAL_ENGINE = "v2.6"
ENGINE_HEAD = "fooocus_inpaint_head.pth"


def installed(kind: Kind, settings: Settings) -> dict[str, Path]:
    """Every file (and folder of diffusers' format) of a kind by its path below that kind's folder, with slashes."""
    found: dict[str, Path] = {}
    for root in (folder / kind for folder in model_folders(settings)):
        for path in sorted(root.rglob("*")):
            inside = (path.parent / "config.json").is_file()
            if (path / "config.json").is_file() or (path.suffix in (*SUFFIXES, ".patch") and not inside):
                found.setdefault(path.relative_to(root).as_posix(), path)
    return found


def vae(name: str, checkpoint: Checkpoint, settings: Settings) -> str:
    """The VAE of that name as it is installed; "" for the checkpoint's own.

    Raises ModelMissing (a known one), InvalidValue (no such name, or one for other checkpoints), or NotSupported.
    """
    if name in OWN_VAE:
        return ""
    places = installed("vae", settings)
    found = spelt(name, places)
    if found is None and name in _known("vae"):
        raise _missing("vae", name, settings, field="vae")
    if found is None:
        near = difflib.get_close_matches(name, [*places, OWN_VAE[-1]], n=3, cutoff=0)
        raise InvalidValue(f"There is no VAE {name!r}; the nearest names are {', '.join(near)}.", field="vae")
    if not families()[checkpoint.family].fits_vae(checkpoint, places[found]):
        raise InvalidValue(f"The VAE {found!r} is made for other checkpoints than {checkpoint.name!r}.", field="vae")
    return found


def lora(name: str, settings: Settings, *, field: str) -> tuple[str, Path] | None:
    """A LoRA's name in full and its place; None for FooocusAPI's default one where that is missing.

    Raises ModelMissing for any other that is missing, InvalidValue for a name that can be none.
    """
    places = installed("loras", settings)
    if found := spelt(name, places):
        return found, places[found]
    if Path(name).is_absolute() or ".." in Path(name).parts or "\\" in name:
        raise InvalidValue(f"There is no LoRA {name[:80]!r}: give its file's name below loras.", field=field)
    if name in (OFFSET_LORA, Path(OFFSET_LORA).stem):
        return None
    full = spelt(name, dict.fromkeys(_known("loras"), Path())) or name
    raise _missing("loras", full, settings, field=field)


def inpaint_engine(
    asked: str | None, usual: str, checkpoint: Checkpoint, settings: Settings, warnings: list[str]
) -> str:
    """The inpaint engine that a checkpoint is patched with; "" for none. asked: None = the `usual` one if it can be.

    They are for SDXL of 4 channels; every other checkpoint inpaints by itself, which is told where one was asked for.
    Raises ModelMissing for one that is not installed, but for FooocusAPI's default.
    """
    name = usual if asked is None else asked
    if name in ("", "None"):
        return ""
    if name not in ENGINES:
        raise InvalidValue(
            f"There is no inpaint engine {name!r}; there are {', '.join(ENGINES)}.", field="inpaint_engine"
        )
    missing = [file for file in (ENGINE_HEAD, ENGINES[name]) if file not in installed("inpaint", settings)]
    if missing and asked is not None and name != USUAL_ENGINE:
        raise _missing("inpaint", missing[-1], settings, field="inpaint_engine")
    if not missing and checkpoint.family == "sdxl" and not checkpoint.inpainting:
        return name
    if asked is not None:
        why = "is not installed" if missing else "is for SDXL checkpoints of 4 channels"
        warnings.append(f'inpaint_engine "{name}" {why}; the checkpoint inpaints by itself.')
    return ""


def refuse_without_safety_checker(settings: Settings) -> None:
    """Raise InvalidValue where its weights are missing: nothing could be checked."""
    if installed("safety_checker", settings):
        return
    name, url = next(iter(_known("safety_checker").items()))
    raise InvalidValue(
        f"black_out_nsfw needs the safety checker's weights, {settings.models_path / 'safety_checker' / name}, which "
        f"are missing ({url}). Without them nothing can be checked: leave the field out.",
        field="black_out_nsfw",
    )


def _known(kind: Kind) -> dict[str, str]:
    known: dict[str, dict[str, str]] = json.loads((ROOT / "configs" / "companions.json").read_text(encoding="utf-8"))
    return known[kind]


def spelt(name: str, places: dict[str, Path]) -> str | None:
    """The name in full; one without folder or suffix is taken, too, where only one file has it."""
    if name in places:
        return name
    alike = [full for full in places if name in (Path(full).name, Path(full).stem)]
    return alike[0] if len(alike) == 1 else None


def _missing(kind: Kind, name: str, settings: Settings, *, field: str) -> ModelMissing:
    place = settings.models_path / kind / name
    known = name in _known(kind)
    way = f"Fetch it with: {download_command(name, settings)}" if known else f"Put its file there: {place}"
    return ModelMissing(f"The file {name!r} is not installed. {way}", field=field)
