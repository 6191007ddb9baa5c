"""Styles: templates that dress a prompt, in Fooocus's file format; ours in `configs/styles`, a user's beside them."""

import difflib
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

from configs.settings import ROOT
from masking.errors import InvalidValue

FOLDER = ROOT / "configs" / "styles"
USERS_FOLDER = "sdxl_styles"

EXPANSION = "Fooocus V2"
"""No template: it asks for `pipelines.expansion`."""

RANDOM = "Random Style"
"""No template: it asks for one of those that are."""

PLACE = "{prompt}"
SPELT = {"3d": "3D", "Sai": "SAI", "Mre": "MRE"}


@dataclass(frozen=True, kw_only=True)
class Style:
    """`prompt` has `{prompt}` where the main prompt goes; each line of both texts is a chunk of its own."""

    name: str
    prompt: str
    negative_prompt: str

    def dress(self, prompt: str) -> list[str]:
        """The template's lines with `prompt` in its place."""
        return self.prompt.replace(PLACE, prompt).splitlines()

    @property
    def holds_prompt(self) -> bool:
        """Whether there is a place for the main prompt in it."""
        return PLACE in self.prompt


def load(user_folder: Path | None = None) -> dict[str, Style]:
    """Every style by its name, in the order of Fooocus's list; those of `<user_folder>/sdxl_styles/*.json` lead.

    A user's style takes the place of ours with the same name. Raises InvalidValue for a file that holds no styles.
    """
    found = {name: Style(name=name, prompt="", negative_prompt="") for name in (EXPANSION, RANDOM)}
    users = [] if user_folder is None else sorted((user_folder / USERS_FOLDER).glob("*.json"))
    for style in (*(style for path in users for style in read(path)), *_shipped()):
        found.setdefault(style.name, style)
    return found


def read(path: Path) -> tuple[Style, ...]:
    """The styles in one file: a JSON list of objects with name, prompt, negative_prompt. Raises InvalidValue."""
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
        return tuple(
            Style(
                name=normalise(entry["name"]),
                prompt=str(entry.get("prompt") or ""),
                negative_prompt=str(entry.get("negative_prompt") or ""),
            )
            for entry in told
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidValue(
            f"The style file {path.name} cannot be read ({error!r}): it must be a JSON list of objects "
            "with name, prompt and negative_prompt, in UTF-8.",
            field="styles",
        ) from error


def normalise(name: str) -> str:
    """A style's name as Fooocus lists it: `sai-3d-model` → `SAI 3D Model`; capitals asked for do not matter."""
    words = (word.capitalize() for word in name.replace("-", " ").split())
    return " ".join(SPELT.get(word, word) for word in words).replace("(s", "(S")


def find(name: str, known: dict[str, Style], generator: Random) -> Style:
    """The style of that name in `known`; "Random Style" is a template that `generator` draws.

    Raises InvalidValue, with the nearest names, when there is none.
    """
    own = normalise(name)
    if own not in known:
        near = difflib.get_close_matches(own, known, n=3, cutoff=0)
        raise InvalidValue(f"There is no style {name!r}; the nearest are {', '.join(near)}.", field="styles")
    if own == RANDOM:
        return generator.choice([style for style in known.values() if style.prompt])
    return known[own]


@functools.cache
def _shipped() -> tuple[Style, ...]:
    return tuple(style for path in sorted(FOLDER.glob("*.json")) for style in read(path))
