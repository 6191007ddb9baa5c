"""How devices are called: "cuda:1" is the second card that CUDA sees, "cpu" the processor, "mps" a Mac's own card."""

import re
from collections.abc import Sequence

AUTO = ("auto",)
FORM = re.compile(r"cpu|mps|cuda:\d+")


def kind(name: str) -> str:
    """Without its number, as `--device` has it."""
    return name.partition(":")[0]


def are_devices(names: Sequence[str]) -> bool:
    """Whether work can be shared among them: all are of one kind; one may be named several times."""
    return tuple(names) == AUTO or (all(map(FORM.fullmatch, names)) and len(set(map(kind, names))) == 1)
