"""What answers without a record say in headers: the warnings, and what was really used."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_HEADER = 3000
"""Characters of one header; proxies take 4096 or 8192 for all of them, unless told otherwise."""


def headers(warnings: Sequence[str], effective: Mapping[str, Any]) -> dict[str, str]:
    """JSON for answers whose body has no room for it, shortened to what proxies let pass."""
    return {"X-Gesso-Warnings": _header(list(warnings)), "X-Gesso-Effective-Params": _header(dict(effective))}


def _header(value: object) -> str:
    """JSON of at most LONGEST_HEADER characters: texts and lists are cut until it fits."""
    text = json.dumps(value)
    longest = LONGEST_HEADER // 8
    while len(text) > LONGEST_HEADER and longest > 1:
        text = json.dumps(_cut(value, longest))
        longest //= 2
    return text


def _cut(value: object, longest: int) -> object:
    """`value` with no text of more than `longest` characters, and no list of more than that many entries."""
    match value:
        case str():
            return value if len(value) <= longest else f"{value[:longest]}…"
        case list() | tuple():
            return [_cut(one, longest) for one in value[:longest]]
        case dict():
            return {name: _cut(one, longest) for name, one in value.items()}
    return value
