"""How a picture tells what it was made from, so that other programs can read it.

Each file beside this one is a scheme, named as the scheme is: a way to write `Facts` as a text and to read them again.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, cast

VERSION = "Fooocus v2.5.5"
"""What readers of either scheme look for: the version whose form is kept to."""

SUFFIXES = (".safetensors", ".ckpt", ".pth", ".bin", ".fooocus.patch")


@dataclass(frozen=True, kw_only=True)
class LoraFact:
    """A LoRA that was used. digest: the first ten hexadecimal digits of its sha256, "" where not known."""

    name: str
    weight: float
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a picture was made from; None where it is not told.

    prompt, negative_prompt: as they were asked for. full_…: the chunks that were encoded, styles carried out.
    checkpoint, refiner, vae, LoRAs: file names, or their stems where no more is known. adm: positive, negative, end.
    freeu: b1, b2, s1, s2. checkpoint_digest, refiner_digest: ten hexadecimal digits.
    """

    prompt: str | None = None
    negative_prompt: str | None = None
    full_prompt: tuple[str, ...] | None = None
    full_negative_prompt: tuple[str, ...] | None = None
    expansion: str | None = None
    styles: tuple[str, ...] | None = None
    performance: str | None = None
    steps: int | None = None
    sharpness: float | None = None
    guidance_scale: float | None = None
    adaptive_cfg: float | None = None
    adm: tuple[float, ...] | None = None
    freeu: tuple[float, ...] | None = None
    checkpoint: str | None = None
    checkpoint_digest: str | None = None
    refiner: str | None = None
    refiner_digest: str | None = None
    refiner_switch: float | None = None
    refiner_swap_method: str | None = None
    overwrite_switch: int | None = None
    loras: tuple[LoraFact, ...] | None = None
    vae: str | None = None
    clip_skip: int | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    sampler: str | None = None
    scheduler: str | None = None


class Scheme(Protocol):
    """A scheme's module."""

    def write(self, facts: Facts) -> str: ...

    def read(self, text: str) -> Facts | None:
        """What `text` tells; None where it is not of this scheme. What is senseless in it is left out."""
        ...


def schemes() -> dict[str, Scheme]:
    """Every scheme by its name."""
    found = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: cast(Scheme, importlib.import_module(f"{__name__}.{name}")) for name in found}


def read(text: str, scheme: str | None) -> tuple[str, Facts] | None:
    """What `text` tells, and in which scheme: the one it claims to be of, or else the first that can read it."""
    known = schemes()
    for name in _likely_first(scheme, known):
        if (facts := known[name].read(text)) is not None:
            return name, facts
    return None


def stem(name: str) -> str:
    """A model's name as both schemes write it: without folder and suffix (`1.0` is no suffix)."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return next((last.removesuffix(suffix) for suffix in SUFFIXES if last.endswith(suffix)), last)


def _likely_first(scheme: str | None, known: dict[str, Scheme]) -> Iterator[str]:
    if scheme in known:
        yield scheme
    yield from (name for name in known if name != scheme)
