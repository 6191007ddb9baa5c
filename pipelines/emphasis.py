"""Emphasis in prompts: `(red:1.3)` weighs more, `(red)` 1.1 times, nested ones multiply; `\\(` is a plain bracket."""

import itertools
import re
from dataclasses import dataclass

from masking.errors import InvalidValue

BRACKETS = 1.1
MOST = 10.0
DEEPEST = 64

PIECE = re.compile(r"\\[()\\]|\(|\)|[^\\()]+|\\")
WEIGHT = re.compile(r"^(.*):\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*$", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A part of a prompt, and how much it weighs (1 = as it is)."""

    text: str
    weight: float


def spans(text: str, field: str = "prompt") -> tuple[Span, ...]:
    """The parts of `text` in order, without their brackets; a bracket that has no partner is plain text.

    Raises InvalidValue, which blames `field`, for a weight beyond -10 to 10 and for brackets more than 64 deep.
    """
    levels: list[list[Span]] = [[]]
    for piece in PIECE.findall(text):
        if piece == "(":
            levels.append([])
        elif piece == ")" and len(levels) > 1:
            if len(levels) > DEEPEST:
                raise InvalidValue(f"Brackets may stand in one another {DEEPEST} deep at most.", field=field)
            inner = levels.pop()
            levels[-1] += _weighed(inner, field)
        else:
            levels[-1].append(Span(text=piece[-1] if piece[0] == "\\" else piece, weight=1.0))
    found = levels[0]
    for unclosed in levels[1:]:
        found += [Span(text="(", weight=1.0), *unclosed]
    return _joined(found)


def plain(text: str) -> str:
    """`text` as it is read, without brackets and weights."""
    return "".join(span.text for span in spans(text))


def _weighed(inner: list[Span], field: str) -> list[Span]:
    """What stood in a pair of brackets, by the number at its end or else by the brackets' own."""
    weight = BRACKETS
    if inner and (found := WEIGHT.match(inner[-1].text)):
        weight = float(found[2])
        inner = [*inner[:-1], Span(text=found[1], weight=inner[-1].weight)]
    for span in inner:
        if abs(span.weight * weight) > MOST:
            raise InvalidValue(f"The weight {span.weight * weight:g} is too much: 10 is the most.", field=field)
    return [Span(text=span.text, weight=span.weight * weight) for span in inner]


def _joined(parts: list[Span]) -> tuple[Span, ...]:
    """Neighbours of one weight as one span; at least one span, maybe an empty one."""
    groups = itertools.groupby((part for part in parts if part.text), key=lambda part: part.weight)
    joined = tuple(Span(text="".join(part.text for part in group), weight=weight) for weight, group in groups)
    return joined or (Span(text="", weight=1.0),)
