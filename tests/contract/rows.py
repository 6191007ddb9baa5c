"""What clients of FooocusAPI may rely on, row by row, and how each stands here."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from configs.settings import ROOT

FOLDER = ROOT / "tests" / "contract" / "rows"

Status = Literal["same", "better", "later"]
"""same: as FooocusAPI; better: different on purpose; later: refused with 501 for now. The last two need a remark."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing to rely on. id: "<section>/<name>"."""

    id: str
    words: str
    status: Status
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section of the contract. unproven: ids of rows whose tests are still to be written."""

    number: int
    title: str
    rows: tuple[Row, ...]
    unproven: frozenset[str]


@cache
def sections() -> tuple[Section, ...]:
    """All of them, in the contract's order."""
    return tuple(_read(file) for file in sorted(FOLDER.glob("*.toml")))


def strike(proven: set[str]) -> None:
    """Take what is proven off the files' lists of what is not."""
    for section in sections():
        file = FOLDER / f"s{section.number:02}.toml"
        text = file.read_text(encoding="utf-8")
        for row in section.unproven & proven:
            text = text.replace(f'  "{row.partition("/")[2]}",\n', "", 1)
        file.write_text(text, encoding="utf-8", newline="\n")
    sections.cache_clear()


def _read(file: Path) -> Section:
    """A file `s<number>.toml`: `title`, `unproven` (names), and a table for every row."""
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    number = int(file.stem.removeprefix("s"))
    rows = tuple(Row(id=f"{number}/{name}", **row) for name, row in told["rows"].items())
    unproven = frozenset(f"{number}/{name}" for name in told.get("unproven", []))
    return Section(number=number, title=told["title"], rows=rows, unproven=unproven)
