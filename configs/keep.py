"""What of the past is kept: `--keep 30d`, `--keep 5000`, `--keep 20GB`, each a limit of its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from configs.amounts import amount, is_amount

HOURS = {"h": 1, "d": 24, "w": 7 * 24, "y": 365 * 24}
AGE = re.compile(r"(\d{1,6})\s*([hdwy])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Of tasks that have ended: for so many milliseconds, as many, with pictures of so many bytes. None: no limit."""

    age_ms: int | None = None
    count: int | None = None
    size: int | None = None

    @property
    def everything(self) -> bool:
        return self == Keep()


def read(texts: Sequence[str]) -> Keep:
    """What several limits mean together; of one kind, the tightest. Raises ValueError for what is none."""
    found: dict[str, int] = {}
    for text in texts:
        kind, most = _limit(text.strip())
        found[kind] = min(most, found.get(kind, most))
    return Keep(**found)


def _limit(text: str) -> tuple[str, int]:
    if age := AGE.fullmatch(text):
        kind, most = "age_ms", int(age[1]) * HOURS[age[2].lower()] * 3_600_000
    elif text.isascii() and text.isdigit():
        kind, most = "count", int(text)
    elif text and not text.endswith("%") and is_amount(text):
        kind, most = "size", amount(text, 0)
    else:
        kind, most = "", 0
    if most < 1:
        raise ValueError(f"{text!r} is no age (30d), number (5000) or amount (20GB)")
    return kind, most


def is_limit(text: str) -> bool:
    """Whether `read` can read it."""
    try:
        return not read([text]).everything
    except ValueError:
        return False
