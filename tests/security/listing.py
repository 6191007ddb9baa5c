"""The list of everything that the tests send to break in: `docs/hostile.md`, made by `python -m tests.security`."""

from collections.abc import Iterable

from configs.settings import ROOT
from tests.security.hostile import everything
from tests.security.test_paths import FIELDS, NAMES, URLS
from tests.security.test_urls import FORBIDDEN, REDIRECTED, UNFIT

FILE = ROOT / "docs" / "hostile.md"


def text() -> str:
    """The document."""
    pictures = everything()
    taken = [one.name for one in pictures if one.words is None]
    refused = [one.name for one in pictures if one.words is not None]
    parts = [
        "# What is sent to break in",
        "Made by `python -m tests.security` from the tests' own tables; see [SECURITY.md](../SECURITY.md).",
        f"## Pictures ({len(pictures)})",
        f"Taken, and understood rightly ({len(taken)}): {_told(taken)}.",
        f"Refused with the reason, 422 or 413 ({len(refused)}): {_told(refused)}.",
        f"## URLs ({len(FORBIDDEN) + len(REDIRECTED) + len(UNFIT)})",
        f"Never called, neither for a picture nor for a webhook ({len(FORBIDDEN)}):",
        _code(FORBIDDEN),
        f"Never followed to, from a host that may be called ({len(REDIRECTED)}):",
        _code(REDIRECTED),
        f"No picture ({len(UNFIT)}):",
        _code(url for url, _ in UNFIT),
        f"## Names and paths ({len(NAMES) + len(URLS)})",
        f"Never a file's name, as `save_name` and in `{'`, `'.join(FIELDS)}` ({len(NAMES)}):",
        _code(NAMES),
        f"Paths that lead nowhere ({len(URLS)}):",
        _code(URLS),
    ]
    return "\n\n".join(parts) + "\n"


def _told(names: Iterable[str]) -> str:
    return ", ".join(names)


def _code(lines: Iterable[str]) -> str:
    shown = (line.encode("unicode_escape").decode() for line in lines)
    return "```text\n" + "\n".join(shown) + "\n```"
