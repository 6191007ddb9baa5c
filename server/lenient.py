"""Numbers and lists out of texts that anyone may have written: what makes no sense is None or empty, never an error."""

import re
from typing import Any

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)


def number(value: object) -> float | None:
    """A finite number, or the text of one."""
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    return float(text) if len(text) < 40 and NUMBER.fullmatch(text) and abs(float(text)) < 1e300 else None


def whole(value: object) -> int | None:
    """A whole number, or the text of one, exactly."""
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    if re.fullmatch(r"-?\d{1,20}", text):
        return int(text)
    near = number(value)
    return None if near is None or near != int(near) else int(near)


def numbers(value: object, count: int) -> tuple[float, ...] | None:
    """So many numbers as they stand in a text ("(1.5, 0.8, 0.3)", "1152x896") or a list."""
    found = [number(part) for part in (NUMBER.findall(value[:200]) if isinstance(value, str) else items(value))]
    told = tuple(part for part in found if part is not None)
    return told if len(told) == len(found) == count else None


def items(value: object) -> list[Any]:
    """What is in a list; of a text that shows one as Python does ("['a', 'b']"), the texts in it."""
    if isinstance(value, str):
        found = ((single or double) for single, double in QUOTED.findall(value))
        return [re.sub(r"\\(.)", r"\1", text) for text in found]
    return list(value) if isinstance(value, list | tuple) else []
