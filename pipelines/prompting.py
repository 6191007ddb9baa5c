"""From the prompt that is asked to the texts that one image is painted from, in Fooocus's order. Pure text."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from masking.errors import InvalidValue
from pipelines import styles, wildcards
from pipelines.expansion import Expand
from pipelines.styles import Style

TAG = re.compile(r"<lora:([^:<>]+)(?::([^<>]*))?>", re.IGNORECASE)
ARRAY = re.compile(r"\[\[((?:(?!\[\[).)*?)\]\]")


@dataclass(frozen=True, kw_only=True)
class LoraTag:
    """A LoRA that the prompt asks for: its name as written there, often without a suffix."""

    name: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The texts of one image. Every chunk is encoded by itself, and what comes of them is concatenated.

    main: what the styles were laid around. positive, negative: at least one chunk each, maybe an empty one.
    expansion: one chunk more, after all of `positive`, that counts for nothing in pooled embeddings; empty until
    `expanded` has made it, and without "Fooocus V2". styles: the names that were followed,
    with what was drawn in place of "Random Style". warnings: what the prompt asked for and did not get.
    """

    main: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    loras: tuple[LoraTag, ...]
    styles: tuple[str, ...]
    expansion: str = ""
    warnings: tuple[str, ...] = ()


def compose(
    prompt: str,
    negative_prompt: str,
    style_names: Iterable[str],
    *,
    index: int,
    seed: int,
    wildcards_in_order: bool = False,
    user_folder: Path | None = None,
) -> Wording:
    """What image `index` (from 0) with its own `seed` is painted from; the same for the same arguments and files.

    user_folder: where a user's `sdxl_styles` and `wildcards` folders lie, if anywhere. Raises InvalidValue for a style
    that does not exist and for a LoRA weight that is no number.
    """
    warnings: list[str] = []
    generator = None if wildcards_in_order else Random(f"wildcards {seed}")

    def spell_out(text: str) -> str:
        filled = wildcards.fill(text, warnings, index=index, generator=generator, user_folder=user_folder)
        return take_turns(filled, index)

    # Once before the wildcards, because a LoRA's name may look like one, and once for the tags that they bring.
    bare, loras = take_loras(prompt)
    bare, brought = take_loras(spell_out(bare))
    unwanted, useless = take_loras(spell_out(negative_prompt))
    if useless:
        warnings.append(f"The negative prompt loads no LoRA: {useless[0].name!r} was left out.")

    main, *extra = _lines(bare) or [""]
    known, draw = styles.load(user_folder), Random(f"styles {seed}")
    followed = [styles.find(name, known, draw) for name in style_names]
    names = tuple(style.name for style in followed)
    return Wording(
        main=main,
        positive=_chunks([*_dressed(main, followed), *extra]),
        negative=_chunks([*_lines(unwanted), *_lines("\n".join(style.negative_prompt for style in followed))]),
        loras=(*loras, *brought),
        styles=names,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def expanded(wordings: Sequence[Wording], seeds: Sequence[int], expand: Expand) -> tuple[Wording, ...]:
    """The texts with what "Fooocus V2" adds to those that ask for it; an empty prompt gets nothing."""
    asking = [i for i, wording in enumerate(wordings) if styles.EXPANSION in wording.styles and wording.main]
    said = expand([(wordings[i].main, seeds[i]) for i in asking]) if asking else ()
    made = dict(zip(asking, said, strict=True))
    return tuple(replace(wording, expansion=made.get(i, "")) for i, wording in enumerate(wordings))


def take_loras(text: str) -> tuple[str, tuple[LoraTag, ...]]:
    """`text` without its `<lora:name:weight>` tags, and those; without a weight it is 1. Raises InvalidValue."""
    tags = tuple(LoraTag(name=found[1].strip(), weight=_weight(found)) for found in TAG.finditer(text))
    if not tags:
        return text, ()
    return "\n".join(_without_tags(line) for line in text.splitlines()), tags


def take_turns(text: str, index: int) -> str:
    """`text` with one choice of every `[[a, b, c]]`: that of number `index`, starting over at the end."""

    def choice(found: re.Match[str]) -> str:
        choices = found[1].split(",")
        return choices[index % len(choices)].strip()

    return ARRAY.sub(choice, text)


def _weight(tag: re.Match[str]) -> float:
    try:
        weight = 1.0 if tag[2] is None else float(tag[2])
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight):
        raise InvalidValue(f"{tag[0]} has no number as its weight: write <lora:{tag[1]}:0.8>.", field="prompt")
    return weight


def _without_tags(line: str) -> str:
    """The line, and where it had tags, without the commas that only they needed."""
    left = TAG.sub("", line)
    return line if left == line else re.sub(r",(?:\s*,)+", ",", left).replace(" ,", ",").strip(" ,")


def _dressed(prompt: str, followed: list[Style]) -> list[str]:
    """The prompt in every template, and by itself before them where none has a place for it."""
    dressed = [chunk for style in followed for chunk in style.dress(prompt)]
    return dressed if any(style.holds_prompt for style in followed) else [prompt, *dressed]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _chunks(texts: list[str]) -> tuple[str, ...]:
    """The texts that say something; one empty chunk where none does, for there is always something to encode."""
    return tuple(text.strip() for text in texts if text.strip()) or ("",)
