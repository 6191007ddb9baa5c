"""Textual inversion: `embedding:name` in a prompt stands for vectors from a file, which no word of the model has."""

import difflib
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.models import download_command
from configs.settings import Settings
from masking.errors import BrokenModel, InvalidValue, ModelMissing, NotSupported
from masking.residency import Stamp, stamp
from pipelines import companions
from pipelines.families import Checkpoint
from pipelines.presets import Preset
from pipelines.sources import known_sources
from pipelines.tensor_files import tensor_shapes

if TYPE_CHECKING:
    from torch import Tensor

MENTION = re.compile(r"(?<!\w)embedding:([^\s,()\[\]:<>|]*[^\s,()\[\]:<>|.;!?])", re.IGNORECASE)

TWO = {"clip_l": "text_encoder", "clip_g": "text_encoder_2"}
ENCODERS = {"stable_diffusion": {"clip_l": "text_encoder"}, "sdxl": TWO, "playground": TWO}
"""For each family that can use them: a file's tensor for each text encoder."""


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A place in a prompt where vectors shall stand."""

    name: str


def split(text: str) -> Iterator[str | Mention]:
    """A prompt's words and mentions in turn."""
    end = 0
    for found in MENTION.finditer(text):
        yield text[end : found.start()]
        yield Mention(name=found[1])
        end = found.end()
    yield text[end:]


def check(text: str, field: str, checkpoint: Checkpoint, preset: Preset, settings: Settings) -> None:
    """Raises what is wrong with a prompt's mentions, blaming `field`: InvalidValue (no such file, or one for other
    checkpoints), ModelMissing (a known one), NotSupported (the family cannot use any) or BrokenModel.
    """
    for piece in split(text):
        if isinstance(piece, Mention):
            if checkpoint.family not in ENCODERS:
                raise NotSupported(
                    f"embedding:{piece.name[:80]} cannot be used with {checkpoint.name} ({checkpoint.kind}) yet.",
                    field=field,
                )
            _refuse_misfit(_place(piece.name, field, preset, settings), field, checkpoint)


def _place(name: str, field: str, preset: Preset, settings: Settings) -> Path:
    places = companions.installed("embeddings", settings)
    if (found := companions.spelt(name, places)) is not None:
        return places[found]
    told = {one.name for one in preset.downloads if one.folder == "embeddings"}
    known = {file for folder, file in known_sources() if folder == "embeddings"}
    for files, fetch in ((told, preset.name), (known, name)):
        if (full := companions.spelt(name, dict.fromkeys(files, Path()))) is not None:
            raise ModelMissing(
                f"The embedding {full!r} is not installed. Fetch it with: {download_command(fetch, settings)}",
                field=field,
            )
    near = difflib.get_close_matches(name, places, n=3, cutoff=0)
    hint = f"the nearest names are {', '.join(near)}" if near else f"none is in {settings.models_path / 'embeddings'}"
    raise InvalidValue(f"There is no embedding {name[:80]!r}; {hint}.", field=field)


def _refuse_misfit(place: Path, field: str, checkpoint: Checkpoint) -> None:
    shapes = tensor_shapes(place, field=field)
    for key, part in ENCODERS[checkpoint.family].items():
        here = checkpoint.parts.config(part)["hidden_size"]
        shape = shapes.get(_key(key, list(shapes), checkpoint.family) or "")
        if shape is None:
            raise InvalidValue(
                f"The embedding {place.name!r} does not fit {checkpoint.name} ({checkpoint.kind}): it has nothing for "
                f"the text encoder {key}.",
                field=field,
            )
        if len(shape) not in (1, 2) or shape[-1] != here:
            raise InvalidValue(
                f"The embedding {place.name!r} does not fit {checkpoint.name} ({checkpoint.kind}): its vectors are "
                f"{shape[-1] if shape else 0} wide, and the words of {part} are {here}.",
                field=field,
            )


def _key(wanted: str, keys: list[str], family: str) -> str | None:
    """The tensor for a text encoder; for one that is alone the file's only tensor, whatever it is called."""
    if len(ENCODERS[family]) == 1:
        return keys[0] if len(keys) == 1 and keys[0] != "clip_g" else None
    return wanted if wanted in keys else None


class Inversions:
    """The vectors for one of a checkpoint's text encoders (a key of ENCODERS). The model itself is never changed."""

    def __init__(self, family: str, encoder: str, settings: Settings) -> None:
        self._family, self._encoder, self._settings = family, encoder, settings

    def state(self, name: str) -> Stamp | None:
        """What changes when the vectors do."""
        places = companions.installed("embeddings", self._settings)
        found = companions.spelt(name, places)
        return stamp(places[found]) if found else None

    def vectors(self, name: str) -> "Tensor":
        """Vectors × width, 32-bit. Raises ModelMissing (the file has gone since) or BrokenModel."""
        places = companions.installed("embeddings", self._settings)
        found = companions.spelt(name, places)
        if found is None:
            raise ModelMissing(f"The embedding {name!r} is no longer there.", field="prompt")
        state = _state(places[found], stamp(places[found]))
        key = _key(self._encoder, list(state), self._family)
        if key is None:
            raise BrokenModel(f"The embedding {name!r} has nothing for {self._encoder}.", field="prompt")
        vectors: Tensor = state[key].float()
        return vectors if vectors.ndim == 2 else vectors[None]


@functools.lru_cache(maxsize=32)
def _state(place: Path, _changed: Stamp | None) -> "dict[str, Tensor]":
    """A file's tensors; a pickle is read with weights_only, which runs nothing."""
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if place.suffix == ".safetensors":
            return load_file(place)
        told: Any = torch.load(place, map_location="cpu", weights_only=True)
        told = told.get("string_to_param", told)
        return {str(name): value.detach() for name, value in told.items() if isinstance(value, torch.Tensor)}
    except (OSError, ValueError, RuntimeError, AttributeError, SafetensorError, pickle.UnpicklingError) as problem:
        raise BrokenModel(f"The embedding {place.name!r} does not load: {problem}", field="prompt") from problem
