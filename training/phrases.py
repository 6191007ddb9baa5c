"""What one may ask a detector for, what of a scene it means, and the words that such questions are made of."""

import string
from dataclasses import dataclass
from pathlib import Path

from numpy.random import Generator
from transformers import BertTokenizer

from training.captions import COLOUR_WORDS, KIND_WORDS, SIZES
from training.objects import COLOURS, OBJECTS
from training.scenes import Scene, Thing

SPECIAL = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012, "?": 1029}
STRANGE = (
    "apple",
    "bag",
    "bear",
    "bench",
    "bicycle",
    "bird",
    "bottle",
    "bus",
    "camera",
    "car",
    "cat",
    "chair",
    "clock",
    "cow",
    "cup",
    "dog",
    "dragon",
    "elephant",
    "face",
    "fish",
    "flower",
    "fork",
    "guitar",
    "hand",
    "hat",
    "horse",
    "key",
    "lamp",
    "man",
    "monkey",
    "person",
    "phone",
    "pizza",
    "rabbit",
    "robot",
    "shoe",
    "table",
    "train",
    "truck",
    "woman",
)
FIRST = ("", "", "", "", "", "a ", "the ", "one ", "all ")
LETTERS = string.ascii_lowercase


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """`words` name every thing of that colour and kind; None means any; `strange` words name nothing at all."""

    words: str
    colour: str | None = None
    kind: str | None = None
    strange: bool = False

    def names(self, thing: Thing) -> bool:
        alike = self.colour in (None, thing.colour) and self.kind in (None, thing.kind)
        return alike and not self.strange


def plain(colour: str | None, kind: str | None) -> Phrase:
    """ "red ball", "ball", "red thing": in the plainest words."""
    return Phrase(words=" ".join(filter(None, [colour, kind or "thing"])), colour=colour, kind=kind)


def phrase(rng: Generator, colour: str | None, kind: str | None) -> Phrase:
    """The same in one of the many ways of saying it."""
    noun = str(rng.choice(KIND_WORDS[kind])) if kind else str(rng.choice(["thing", "object"]))
    if rng.random() < 0.15:
        noun = _plural(noun)
    colours = str(rng.choice(COLOUR_WORDS[colour])) + " " if colour else ""
    size = str(rng.choice(SIZES)) if rng.random() < 0.3 else ""
    return Phrase(words=f"{rng.choice(FIRST)}{size}{colours}{noun}", colour=colour, kind=kind)


def strange(rng: Generator) -> Phrase:
    """A word of something that lives elsewhere, or of nothing at all, perhaps in a colour."""
    word = str(rng.choice(STRANGE))
    if rng.random() < 0.4:
        word = "".join(rng.choice(list(LETTERS), int(rng.integers(3, 8))))
    colour = f"{rng.choice(list(COLOURS))} " if rng.random() < 0.4 else ""
    return Phrase(words=f"{rng.choice(FIRST)}{colour}{word}", strange=True)


def questions(rng: Generator, scene: Scene) -> list[Phrase]:
    """One to four phrases; about half of them name something in the scene, the rest nearly do, or do not at all."""
    count = int(rng.choice([1, 2, 3, 4], p=[0.35, 0.3, 0.2, 0.15]))
    asked = {made.words: made for made in (_question(rng, scene) for _ in range(count))}
    return list(asked.values())


def _question(rng: Generator, scene: Scene) -> Phrase:
    thing = scene.things[int(rng.integers(len(scene.things)))]
    chance = rng.random()
    if chance < 0.08:
        return strange(rng)
    colour: str | None = thing.colour
    kind: str | None = thing.kind
    if chance < 0.5:
        if rng.random() < 0.35:
            colour = str(rng.choice(list(COLOURS)))
        else:
            kind = str(rng.choice(list(OBJECTS)))
    left_out = rng.random()
    if left_out < 0.33:
        colour = None
    elif left_out < 0.41:
        kind = None
    return phrase(rng, colour, kind)


def text(phrases: list[Phrase]) -> str:
    """ "red ball . boat .": as GroundingDINO is asked."""
    return "".join(f"{each.words} . " for each in phrases).strip()


def _plural(noun: str) -> str:
    return noun + ("es" if noun.endswith("x") else "s")


def make_tokenizer(folder: Path) -> BertTokenizer:
    """Write a WordPiece tokenizer whose special words have the ids GroundingDINO's code looks for."""
    nouns = [noun for ways in KIND_WORDS.values() for noun in ways] + ["thing", "object"]
    colours = [word for ways in COLOUR_WORDS.values() for word in ways]
    around = [word for way in (*SIZES, *FIRST) for word in way.split()]
    pieces = [*LETTERS, *string.digits, *(f"##{piece}" for piece in LETTERS + string.digits), *",-'!"]
    singles = [word for ways in (nouns, map(_plural, nouns), colours, around) for way in ways for word in way.split()]
    words = iter(dict.fromkeys([*pieces, *singles, *STRANGE]))
    taken = {number: token for token, number in SPECIAL.items()}
    tokens = [taken.get(i) or next(words, f"[unused{i}]") for i in range(max(taken) + 1)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    return BertTokenizer(str(folder / "vocab.txt"), do_lower_case=True)
