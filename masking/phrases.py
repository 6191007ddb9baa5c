"""What a text asks a detector for, and which of its words a detection answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from masking.detectors import Found
from masking.plans import Box

SEPARATORS = re.compile(r"[.,;?\n]+")
ENDS = (".", "?", "[CLS]", "[SEP]")
"""The tokens between phrases, as GroundingDINO was trained."""


def split(text: str) -> tuple[str, ...]:
    """ "Cat . red car, cat" → ("cat", "red car"): in small letters, each once."""
    phrases = (" ".join(part.split()).lower() for part in SEPARATORS.split(text))
    return tuple(dict.fromkeys(phrase for phrase in phrases if phrase))


def caption(phrases: Sequence[str]) -> str:
    """The text as GroundingDINO reads it: every phrase ends with a full stop."""
    return "".join(f"{phrase} . " for phrase in phrases).strip()


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What a detector says of a picture and a caption, before anything is left out.

    shares: query × token, 0..1: how much each query answers each token. boxes: query × (centre x, centre y, width,
    height), in shares of the picture's sides. tokens: the caption's, as words or parts ("##s") of words.
    """

    shares: NDArray[np.float32]
    boxes: NDArray[np.float32]
    tokens: Sequence[str]


def choose(
    reading: Reading, phrases: Sequence[str], size: tuple[int, int], *, box_threshold: float, text_threshold: float
) -> list[Found]:
    """Every query that is surer of some word than `box_threshold`. size: (width, height) that boxes are shares of."""
    spans = _spans(reading.tokens)
    shares = reading.shares[:, : len(reading.tokens)]
    scores = shares.max(axis=1)
    found = []
    for query in np.flatnonzero(scores > box_threshold):
        best = max(range(len(spans)), key=lambda i: shares[query, spans[i]].max(), default=None)
        if best is None:
            continue
        sure = [reading.tokens[at] for at in spans[best] if shares[query, at] > text_threshold]
        whole = len(sure) == len(spans[best]) and best < len(phrases)
        found.append(
            Found(
                box=_box(reading.boxes[query], size),
                score=float(scores[query]),
                phrase=phrases[best] if whole else " ".join(sure).replace(" ##", ""),
            )
        )
    return found


def _spans(tokens: Sequence[str]) -> list[list[int]]:
    """The places of each phrase's tokens."""
    runs = groupby(range(len(tokens)), key=lambda at: tokens[at] in ENDS)
    return [list(places) for ends, places in runs if not ends]


def _box(shares: NDArray[np.float32], size: tuple[int, int]) -> Box:
    centre_x, centre_y, width, height = (float(share) for share in shares)
    across, down = size
    return (
        (centre_x - width / 2) * across,
        (centre_y - height / 2) * down,
        (centre_x + width / 2) * across,
        (centre_y + height / 2) * down,
    )
