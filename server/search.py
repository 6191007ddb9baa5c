"""What pictures are looked for by: words of what made them, kept in their rows in one spelling."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_

from server.tables import PictureRow

MOST_WORDS = 20
SEED = re.compile(r"[0-9]{1,18}")
SEARCHED = ("prompt", "negative_prompt", "checkpoint", "vae", "upscaler")


@dataclass(frozen=True, kw_only=True)
class Search:
    """Which pictures: those that have every word, of one day ("2026-11-21"), of one kind of task; None: of any."""

    words: tuple[str, ...] = ()
    day: str | None = None
    kind: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What rows of pictures must meet; a word may be a seed, too."""
        found: list[ColumnElement[bool]] = [PictureRow.saved.is_(True)]
        found += [] if self.day is None else [PictureRow.day == self.day]
        found += [] if self.kind is None else [PictureRow.kind == self.kind]
        for word in self.words:
            somewhere = PictureRow.words.contains(word, autoescape=True)
            found.append(or_(somewhere, PictureRow.seed == int(word)) if SEED.fullmatch(word) else somewhere)
        return found


def words(text: str) -> tuple[str, ...]:
    """The words of a search as they are looked for; those beyond `MOST_WORDS` are left out."""
    return tuple(dict.fromkeys(text.casefold().split()))[:MOST_WORDS]


def searched(effective: Mapping[str, Any], save_name: str | None) -> str:
    """Where a picture's words are looked for: prompts, checkpoint and other models, styles, the name wished for."""
    told = [*(effective.get(name) for name in SEARCHED), *(effective.get("styles") or ()), save_name]
    return "\n".join(text for text in told if text and isinstance(text, str)).casefold()
