"""How a setting is told from outside: on the command line, in the environment, in a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Option:
    """`read` turns a setting's text into its value; `bare` is what its flag alone means.

    many: it may be said several times; `read` is for one of them.
    """

    help: str
    read: Callable[[str], Any] = str
    metavar: str = "NAME"
    choices: tuple[str, ...] = ()
    bare: str | None = None
    many: bool = False


def option(help: str, **more: Any) -> dict[str, Option]:
    """A field's metadata that make it a setting."""
    return {"option": Option(help=help, **more)}


def folder(help: str) -> dict[str, Option]:
    """`option` for a folder."""
    return option(help, read=absolute, metavar="FOLDER")


def number(help: str, metavar: str = "N") -> dict[str, Option]:
    """`option` for a whole number."""
    return option(help, read=int, metavar=metavar)


def absolute(text: str) -> Path:
    """A path as the person means it who types it here."""
    return Path(text).expanduser().absolute()


def switch(text: str) -> bool:
    """Yes or no. Raises ValueError."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.strip().lower() not in words:
        raise ValueError("say true or false")
    return words[text.strip().lower()]


def parts(text: str) -> tuple[str, ...]:
    """What stands between the commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
