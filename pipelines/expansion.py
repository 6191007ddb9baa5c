"""The "Fooocus V2" style: phrases that suit a prompt, drawn by seed from the word lists in `configs/expansion.json`."""

import functools
import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from configs.settings import ROOT

MOST_TOPICS = 3
"""As many media and subjects found in a prompt are answered; further ones would drown it."""

PHRASES_PER_TOPIC = 2

Expand = Callable[[Sequence[tuple[str, int]]], Sequence[str]]
"""From prompts, each with its seed, to their expansions; the same for the same."""


def expand_all(prompts: Sequence[tuple[str, int]]) -> list[str]:
    """An `Expand` that needs no model."""
    return [expand(prompt, seed) for prompt, seed in prompts]


def expand(prompt: str, seed: int) -> str:
    """`prompt` with some ten phrases behind it, the same for the same seed; an empty prompt stays empty."""
    if not prompt.strip():
        return ""
    generator = Random(f"expansion {seed}")
    table = _table()
    drawn: list[str] = []
    for phrases in _topics(prompt, table)[:MOST_TOPICS]:
        drawn += generator.sample(_unsaid(phrases, prompt), PHRASES_PER_TOPIC)
    for phrases in table["always"].values():
        drawn.append(generator.choice(_unsaid(phrases, prompt)))
    return ", ".join([prompt.strip(" ,."), *drawn])


def _topics(prompt: str, table: dict[str, Any]) -> list[list[str]]:
    """The phrases of every medium and subject that a word of the prompt tells of; plurals count, too."""
    words = set(re.findall(r"\w+", prompt.lower()))
    words |= {word.removesuffix("s") for word in words}
    topics = [*table["media"].values(), *table["subjects"].values()]
    return [topic["words"] for topic in topics if words & set(topic["told_by"])]


def _unsaid(phrases: list[str], prompt: str) -> list[str]:
    """The phrases that the prompt does not contain yet; all of them where it contains nearly all."""
    left = [phrase for phrase in phrases if phrase not in prompt.lower()]
    return left if len(left) >= PHRASES_PER_TOPIC else phrases


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((ROOT / "configs" / "expansion.json").read_text(encoding="utf-8"))
    return table
