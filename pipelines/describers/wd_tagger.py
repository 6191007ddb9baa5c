"""Waifu Diffusion taggers (SmilingWolf's "WD14" and later ones): an ONNX file and a table of its tags."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from masking.errors import BrokenModel
from pipelines.describers import Kind

if TYPE_CHECKING:
    from pipelines.studio import Studio

MODEL, TAGS = "model.onnx", "selected_tags.csv"
THRESHOLDS = {4: 0.85, 0: 0.35}
"""The categories that are told, in this order, with the least score of a tag: characters, then everything else.

A third one, 9, rates how fit the picture is for work; it is not told."""


class WdTagger:
    kind: Kind = "Anime"

    def holds(self, folder: Path) -> bool:
        return (folder / MODEL).is_file() and (folder / TAGS).is_file()

    def load(self, folder: Path, studio: "Studio") -> "Tagger":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = studio.settings.threads
        providers = ["CPUExecutionProvider"] if studio.device == "cpu" else onnxruntime.get_available_providers()
        try:
            session = onnxruntime.InferenceSession(folder / MODEL, options, providers=providers)
            tags = _read(folder / TAGS)
        except Exception as problem:  # onnxruntime has a dozen of its own
            raise BrokenModel(f"The tagger {folder.name!r} does not load: {problem}", field="image_type") from problem
        if session.get_outputs()[0].shape[-1] != len(tags):
            told = f"The tagger {folder.name!r} scores other tags than the {len(tags)} of {TAGS}."
            raise BrokenModel(told, field="image_type")
        return Tagger(session, tags)


@dataclass(frozen=True, kw_only=True)
class Tag:
    name: str
    category: int


class Tagger:
    def __init__(self, session: Any, tags: Sequence[Tag]) -> None:
        self._session, self._tags = session, tags

    def describe(self, picture: Image.Image) -> str:
        """Tags as one writes them in a prompt, in the table's order, characters first."""
        entry = self._session.get_inputs()[0]
        scores = self._session.run(None, {entry.name: _prepared(picture, entry.shape[1])})[0][0]
        told = [
            _spelled(tag.name)
            for category, least in THRESHOLDS.items()
            for tag, score in zip(self._tags, scores, strict=True)
            if tag.category == category and score > least
        ]
        return ", ".join(told)


def _read(file: Path) -> tuple[Tag, ...]:
    with file.open(encoding="utf-8", newline="") as lines:
        return tuple(Tag(name=row["name"], category=int(row["category"])) for row in csv.DictReader(lines))


def _prepared(picture: Image.Image, side: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """1 × side × side × 3, BGR from 0 to 255: the picture in the middle of a white square."""
    longest = max(picture.size)
    square = Image.new("RGB", (longest, longest), "white")
    square.paste(picture, ((longest - picture.width) // 2, (longest - picture.height) // 2))
    pixels = np.asarray(square.resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return np.ascontiguousarray(pixels[None, :, :, ::-1])


def _spelled(name: str) -> str:
    """Spaces for underscores, except in faces such as ^_^, and brackets that weigh nothing in a prompt."""
    words = name.replace("_", " ") if re.search(r"\w{2}", name.replace("_", " ")) else name
    return re.sub(r"([()])", r"\\\1", words)


library = WdTagger()
