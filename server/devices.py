"""Which worker processes there shall be, each on its device; told without importing torch here."""

import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from configs import devices
from configs.amounts import share
from configs.settings import Device, Settings

log = logging.getLogger("gesso")

VISIBLE = "CUDA_VISIBLE_DEVICES"
COUNT = "import torch; print(torch.cuda.device_count())"
COUNT_WITHIN_S = 120


@dataclass(frozen=True, kw_only=True)
class Post:
    """What one worker process gets: settings and, beside ours, variables of the environment.

    device: its name as `--devices` has it; "" where `--device` says all.
    """

    settings: Settings
    device: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def count_cuda() -> int:
    """How many devices torch finds, asked in a process of its own, but only where the driver tells of several."""
    given = os.environ.get(VISIBLE)
    if (_count_cards() if given is None else len(given.split(","))) < 2:
        return 0
    try:
        asked = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, timeout=COUNT_WITHIN_S)
        return int(asked.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as problem:
        log.warning("The CUDA devices could not be counted (%s), and one is used: name them with --devices.", problem)
        return 0


def posts(
    settings: Settings, environment: Mapping[str, str] = os.environ, count: Callable[[], int] = count_cuda
) -> tuple[Post, ...]:
    """One for each of `--devices`. What belongs to a device that several share is divided among them."""
    names = settings.devices
    if names == devices.AUTO:
        several = count() if settings.device in ("auto", "cuda") and settings.vram != "cpu" else 0
        names = tuple(f"cuda:{number}" for number in range(several)) if several > 1 else ()
    elif settings.vram == "cpu":
        names = tuple("cpu" for _ in names)
    if not names:
        return (Post(settings=settings),)
    return tuple(_post(name, names.count(name), settings, environment) for name in names)


def _post(name: str, among: int, settings: Settings, environment: Mapping[str, str]) -> Post:
    kind, _, number = name.partition(":")
    seen = dict(enumerate(environment[VISIBLE].split(","))) if VISIBLE in environment else {int(number or 0): number}
    return Post(
        device=name,
        settings=replace(
            settings,
            device=cast(Device, kind),
            vram_limit=share(settings.vram_limit, among),
            memory_limit=share(settings.memory_limit, among),
            threads=settings.threads or (max(1, (os.cpu_count() or 1) // among) if kind == "cpu" and among > 1 else 0),
        ),
        variables={VISIBLE: seen.get(int(number), "").strip()} if number else {},
    )


def _count_cards() -> int:
    """As NVIDIA's driver tells; 0 where there is none."""
    try:
        driver = ctypes.CDLL("nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1")
        count = ctypes.c_uint()
        if driver.nvmlInit_v2() or driver.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            return 0
        driver.nvmlShutdown()
        return count.value
    except (OSError, AttributeError):
        return 0
