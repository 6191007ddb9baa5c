"""From boxes and points to masks. One file here per kind of segmenter; it is found by being here.

Such a file has a `library`: a `masking.shelf.Library[Segmenter]`. It imports heavy libraries inside its functions only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from masking.plans import Box, Point
from masking.shelf import Shelf

SURE = 10.0
"""The logit of a pixel that surely belongs to an earlier mask."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prompt:
    """What points at one object. earlier: a mask ("L", the picture's size) that is about right."""

    box: Box | None = None
    points: tuple[Point, ...] = ()
    earlier: Image.Image | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedding:
    """What a segmenter makes of a picture before it knows what is asked: costly, and good for many prompts.

    width, height: the picture's. scaled: (height, width) of what the model saw of it.
    """

    tensors: Any
    width: int
    height: int
    scaled: tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Guesses:
    """The answers to one prompt. logits: guess × rows × columns in the picture's size, above 0 = object.

    scores: what the model thinks of each guess, about 0..1.
    """

    logits: NDArray[np.float32]
    scores: NDArray[np.float32]

    @property
    def best(self) -> int:
        return int(self.scores.argmax())


class Segmenter(Protocol):
    """A loaded segmenter."""

    def embed(self, picture: Image.Image) -> Embedding:
        """Of an RGB picture whose sides are not too unlike (see `masking.pictures`)."""

    def segment(self, embedding: Embedding, prompts: Sequence[Prompt], *, several: bool) -> Iterator[Guesses]:
        """One answer per prompt, in order: three guesses each if `several`, else one. Prompts of one form go through
        the decoder together; an earlier mask needs a call of its own.
        """


shelf: Shelf[Segmenter] = Shelf(__name__, __path__, "segmenter")
