"""Wildcards: `__animal__` in a prompt stands for a line of `animal.txt`, ours in `configs/wildcards` or a user's."""

import difflib
import re
from pathlib import Path
from random import Random

from configs.settings import ROOT
from masking.errors import InvalidValue

FOLDER = ROOT / "configs" / "wildcards"
USERS_FOLDER = "wildcards"

MARK = re.compile(r"__([\w-]+?)__")

MOST_DRAWS = 500
"""More than this in one prompt, and two files must be naming each other without end."""


def places(user_folder: Path | None = None) -> dict[str, Path]:
    """Every wildcard's file by its name; those in `<user_folder>/wildcards`, at any depth, come before ours."""
    found: dict[str, Path] = {}
    for folder in (FOLDER,) if user_folder is None else (user_folder / USERS_FOLDER, FOLDER):
        for path in sorted(folder.rglob("*.txt")):
            found.setdefault(path.stem, path)
    return found


def fill(
    text: str, warnings: list[str], *, index: int, generator: Random | None, user_folder: Path | None = None
) -> str:
    """`text` with a line in place of every wildcard, and of those that such lines bring in turn.

    `generator` draws the lines; without one, image `index` takes the line of that number, and starts over at the end.
    A name that has no file stays as a plain word, which is told in `warnings`. Raises InvalidValue for files that name
    each other without end or cannot be read.
    """
    if MARK.search(text) is None:
        return text
    known = places(user_folder)
    for _ in range(MOST_DRAWS):
        found = MARK.search(text)
        if found is None:
            return text
        entries = _entries(found[1], known, warnings)
        entry = entries[index % len(entries)] if generator is None else generator.choice(entries)
        text = text[: found.start()] + entry + text[found.end() :]
    raise InvalidValue(f"The wildcard files name each other without end; the last line is {entry!r}.", field="prompt")


def _entries(name: str, known: dict[str, Path], warnings: list[str]) -> list[str]:
    """The lines of a wildcard that say something; its bare name where there are none."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0)
        warnings.append(f"There is no wildcard {name!r}, so it is a plain word; the nearest are {', '.join(near)}.")
        return [name]
    try:
        lines = known[name].read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidValue(f"The wildcard file {name}.txt is not in UTF-8; save it so.", field="prompt") from error
    said = [line.strip() for line in lines if line.strip()]
    if not said:
        warnings.append(f"The wildcard file {name}.txt is empty, so {name!r} is a plain word.")
    return said or [name]
