"""Files that can be fetched: what a preset needs and has not got, or one known file; with where each is to be had."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from configs.models import model_folders
from configs.settings import Settings
from masking.errors import InvalidValue, ModelMissing
from pipelines import hub, performance, planning, presets
from pipelines.presets import Preset
from pipelines.sources import known_sources, models

SUFFIXES = (".safetensors", ".ckpt", ".pth", ".pt", ".bin", ".patch", ".onnx", ".gguf")
SUM = re.compile(r"#sha256=([0-9a-fA-F]{64})$")
TOLD = 3


@dataclass(frozen=True, kw_only=True)
class Needed:
    """A file that is not installed. folder: below the models folder; name: below that, with slashes.

    sha256: hexadecimal digits, "" where nobody told them. total: its bytes, None where nobody told them.
    repository: it is a folder, of whose files only the hub can tell, and url is its page there.
    """

    folder: str
    name: str
    url: str
    sha256: str = ""
    total: int | None = None
    repository: bool = False

    def place(self, settings: Settings) -> Path:
        """Where it belongs: in the user's own models folder."""
        return settings.models_path / self.folder / self.name


def of(name: str, settings: Settings) -> tuple[Needed, ...]:
    """What is missing of all that a preset, or else a known model, of that name needs, or of the one known file.

    Any other name `owner/name` is taken for a repository's of Hugging Face's.
    Raises InvalidValue for a name of none, and what `of_preset` raises.
    """
    own, known = presets.names(planning.user_folder(settings)), models()
    if name in own:
        return of_preset(name, settings)
    files = known.get(name) or {place: url for place, url in known_sources().items() if place[1] == name}
    if not files and (page := hub.page(hub.FOLDER, name)):
        files = {(hub.FOLDER, name): page}
    if not files:
        names = [*own, *known, *(file for _, file in known_sources())]
        near = ", ".join(difflib.get_close_matches(name, names, n=TOLD, cutoff=0))
        raise InvalidValue(
            f"There is no preset, no known model and no known file {name!r}; the nearest are {near}.", field="preset"
        )
    return tuple(_needed(*file, url) for file, url in files.items() if not _is_there(*file, settings))


def of_preset(name: str, settings: Settings) -> tuple[Needed, ...]:
    """What is missing of what a preset names; its refiner only where the preset itself tells where to get it.

    Raises InvalidValue (no such preset, or a file's name that leads elsewhere), or ModelMissing for files of which
    nobody tells where to get them.
    """
    preset = presets.load(name, planning.user_folder(settings))
    known, told = known_sources(), {(one.folder, one.name): one.url for one in preset.downloads}
    missing = [file for file in _files(preset, known, told) if not _is_there(*file, settings)]
    sources = {file: told.get(file) or known.get(file) or hub.page(*file) for file in missing}
    lost = [settings.models_path / folder / file for (folder, file), url in sources.items() if not url]
    if lost:
        raise ModelMissing(
            f"Of preset {name!r}, nobody tells where these files are to be had: put them there yourself: "
            f"{', '.join(map(str, lost))}",
            field="preset",
        )
    for _, file in (place for place in sources if place in told):
        _refuse_odd(file)
    return tuple(_needed(*file, url) for file, url in sources.items() if url)


def _files(
    preset: Preset, known: dict[tuple[str, str], str], told: dict[tuple[str, str], str]
) -> dict[tuple[str, str], None]:
    """Folder and name of every file that the preset names, or that goes with what it names; each once.

    A mask model that nobody has is left out: pictures can be made without.
    """
    files = [("checkpoints", preset.checkpoint), *(("loras", lora.name) for lora in preset.loras)]
    files += [("vae", preset.vae)] if preset.vae else []
    files += [("loras", lora)] if (lora := performance.lora(preset.performance)) else []
    mask_model = ("rembg", f"{preset.mask_model}.onnx")
    files += [mask_model] if mask_model in known else []
    return dict.fromkeys([*files, *told])


def _is_there(folder: str, name: str, settings: Settings) -> bool:
    """Whether the file (or folder) lies where it belongs, or anywhere below."""
    if hub.page(folder, name):
        return hub.is_there(name, model_folders(settings))
    wanted = PurePosixPath(name)
    end = len(wanted.parts)
    for place in (root / folder for root in model_folders(settings)):
        if (place / wanted).exists() or any(path.parts[-end:] == wanted.parts for path in place.rglob("*")):
            return True
    return False


def _needed(folder: str, name: str, url: str) -> Needed:
    told, page = SUM.search(url), hub.page(folder, name)
    digits = told[1].lower() if told else ""
    return Needed(folder=folder, name=name, url=SUM.sub("", url), sha256=digits, repository=url == page)


def _refuse_odd(name: str) -> None:
    """Raises InvalidValue for a name that is no weights file's below its folder."""
    path = PurePosixPath(name)
    odd = path.is_absolute() or ".." in path.parts or re.search(r'[\\:*?"<>|\x00-\x1f]', name)
    if odd or path.suffix not in SUFFIXES or any(part.startswith(".") for part in path.parts):
        raise InvalidValue(
            f"{name[:200]!r} is no name for a file of weights: it must stay in its folder and end with one of "
            f"{', '.join(SUFFIXES)}.",
            field="preset",
        )
