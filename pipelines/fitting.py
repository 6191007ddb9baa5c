"""How much memory a plan takes, told before anything is loaded; what cannot fit is refused with the size that would.

An estimate from below: of weights what their headers tell, of work what `configs/memory.json` says for the leanest
way to paint, so that nothing is refused that could be done.
"""

import functools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.amounts import amount
from configs.settings import ROOT, Settings
from masking.errors import DoesNotFit, GessoError
from masking.machine import Machine
from pipelines import variants
from pipelines.families import Checkpoint
from pipelines.parts import Parts
from pipelines.plans import Plan, Size, Sizes
from pipelines.tensor_files import SUFFIXES, tensor_shapes

TABLE = ROOT / "configs" / "memory.json"

SHARES = 64
"""The largest size that fits is looked for in as many steps."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a worker has, in bytes. own: its device's, None where that works in the main one. device: torch's name."""

    device: str
    main: int
    own: int | None = None


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a plan takes at once, in bytes: on the device if that has a memory of its own, and of the main memory.

    weights: how much of it is a checkpoint's.
    """

    own: int
    main: int
    weights: int

    def fits(self, memory: Memory) -> bool:
        """Whether there is so much."""
        return self.main <= memory.main and (memory.own is None or self.own <= memory.own)


def memory_of(machine: Machine, settings: Settings) -> Memory:
    """Of a machine, as far as `--memory-limit` allows."""
    main = amount(settings.memory_limit, machine.main().total) if not machine.has_own_memory else machine.main().total
    own = amount(settings.memory_limit, machine.room().total) if machine.has_own_memory else None
    return Memory(device=machine.device, main=main, own=own)


def fits(plan: Plan, checkpoint: Checkpoint, settings: Settings, memory: Memory) -> bool:
    """Whether `memory` can hold a plan, painted in the leanest way."""
    sizes = plan.scaled(1.0, checkpoint.side, checkpoint.multiple)
    return _need(plan, sizes, checkpoint, settings, memory, lean=True).fits(memory)


def refuse(plan: Plan, checkpoint: Checkpoint, settings: Settings, memory: Memory) -> None:
    """Raises DoesNotFit for a plan that `memory` cannot hold, however it is painted."""
    need = _need(plan, plan.scaled(1.0, checkpoint.side, checkpoint.multiple), checkpoint, settings, memory, lean=True)
    if need.fits(memory):
        return
    short, there = (need.main, memory.main) if need.main > memory.main else (need.own, memory.own or 0)
    width, height = plan.shots[0].width, plan.shots[0].height
    asked = f"{width} x {height} pixels" + (f", {len(plan.shots)} times," if len(plan.shots) > 1 else "")
    told = f"{asked} would take at least {_told(short)} of memory ({_told(need.weights)} for weights)"
    told += f", and {_told(there)} are there (--memory-limit {settings.memory_limit})"
    largest = _largest(plan, checkpoint, settings, memory)
    if largest is None:
        raise DoesNotFit(f"{told}. No size fits: take a smaller checkpoint.", field="checkpoint")
    fewer = " (fewer pictures at a time may be larger)" if len(plan.shots) > 1 else ""
    raise DoesNotFit(
        f"{told}: the largest of this shape that fits is {largest[0]} x {largest[1]}{fewer}.", field=plan.sized_by
    )


def is_tight(plan: Plan, checkpoint: Checkpoint, settings: Settings, memory: Memory) -> bool:
    """Whether it fits only if it is painted in the leanest way from the beginning."""
    sizes = plan.scaled(1.0, checkpoint.side, checkpoint.multiple)
    return not _need(plan, sizes, checkpoint, settings, memory, lean=False).fits(memory)


def _largest(plan: Plan, checkpoint: Checkpoint, settings: Settings, memory: Memory) -> Size | None:
    for share in range(SHARES - 1, 0, -1):
        sizes = plan.scaled(share / SHARES, checkpoint.side, checkpoint.multiple)
        if min(sizes.delivered) >= 1 and _need(plan, sizes, checkpoint, settings, memory, lean=True).fits(memory):
            return sizes.delivered
    return None


def _need(plan: Plan, sizes: Sizes, checkpoint: Checkpoint, settings: Settings, memory: Memory, *, lean: bool) -> Need:
    """lean: one row of the guidance at a time, and the VAE in tiles."""
    table, number = _table(), 2 if memory.device == "cuda" else 4
    parts = _weights(checkpoint.parts, 1 if settings.fp8 else number)
    delivered = math.prod(sizes.delivered)
    pictures = table["picture"] * max(delivered, sizes.enlarged) + table["kept"] * delivered * len(plan.shots)
    rows = 1 if lean or plan.recipe.guidance_scale <= 1 else 2
    work = number * max(
        rows * _step(sizes.painted, checkpoint, table), _decoding(sizes.painted, checkpoint, table, lean)
    )
    if memory.own is None:
        return Need(own=0, main=sum(parts) + work + pictures + table["process"], weights=sum(parts))
    seated = {"high": sum(parts), "normal": max(parts, default=0)}.get(settings.vram, 0)
    return Need(own=seated + work, main=pictures, weights=seated)  # weights may be read from their files as needed


def _step(painted: Size, checkpoint: Checkpoint, table: dict[str, Any]) -> int:
    """Numbers that one row of a step holds at once, at its peak."""
    told = table["families"][checkpoint.family]
    config = checkpoint.parts.config(told["part"])
    widths = [config[name] for name in told["width"]]
    width = math.prod(each[0] if isinstance(each, list) else each for each in widths)
    side = checkpoint.cell if told["place"] == "cell" else checkpoint.multiple
    return int(told["step"] * width * math.prod(painted) / side**2)


def _decoding(painted: Size, checkpoint: Checkpoint, table: dict[str, Any], lean: bool) -> int:
    """Numbers that the VAE holds at once, at its peak, over all of the picture or over one tile."""
    config = checkpoint.parts.config("vae")
    widths = config.get("block_out_channels") or [config.get("base_dim", 0)]
    tile = config.get("sample_size")
    seen = [min(length, tile) if lean and isinstance(tile, int) else length for length in painted]
    return int(table["decode"] * widths[0] * math.prod(seen))


@functools.cache
def _table() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return told


def _bytes(path: Path, number: int) -> int:
    """What a file of weights takes when it is loaded; nothing if it cannot be read, which whoever loads it tells.

    number: bytes of each. A GGUF's layers stay packed as they lie in the file.
    """
    try:
        shapes = tensor_shapes(path)
    except GessoError:
        return 0
    if path.suffix.lower() == ".gguf":
        return path.stat().st_size
    return number * sum(math.prod(shape) for name, shape in shapes.items() if not name.startswith("model_ema."))


@functools.lru_cache(maxsize=64)
def _weights(parts: Parts, number: int) -> tuple[int, ...]:
    """The bytes of each component; those of a single file together. Kept, for `checkpoints.find` makes new parts where
    the files have changed.
    """
    found = [] if parts.path.is_dir() else [_bytes(parts.path, number)]
    return (*found, *(sum(_bytes(file, number) for file in files) for files in _files(parts)))


def files(parts: Parts) -> list[Path]:
    """All files of weights that are read when a checkpoint is loaded."""
    own = [] if parts.path.is_dir() else [parts.path]
    return [*own, *(file for each in _files(parts) for file in each)]


def _files(parts: Parts) -> Iterator[list[Path]]:
    """The files of each component that has its own; where there are several kinds, one of them."""
    seen = set(parts.held)
    for folder in (below for root in parts.folders for below in sorted(root.iterdir()) if below.is_dir()):
        if folder.name in seen or folder.name == "safety_checker":
            continue
        seen.add(folder.name)
        for suffix in SUFFIXES:
            files = sorted(folder.glob(f"*{suffix}"))
            best = variants.best([file.name for file in files])
            if kept := [file for file in files if (file.name in best if best else "." not in file.stem)]:
                yield kept
                break


def _told(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
