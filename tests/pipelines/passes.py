"""What passes through a UNet, and passes that fail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from pipelines.plans import Plan
from pipelines.studio import Studio


@contextmanager
def rows_of_passes(
    studio: Studio, plan: Plan, fails: Callable[[int], bool] = lambda rows: False
) -> Iterator[list[int]]:
    """The rows of every pass through the UNet; one fails for want of memory where `fails` says so."""
    with studio.easel(plan) as easel:
        unet: Any = easel.model.unet  # type: ignore[attr-defined]
    seen: list[int] = []

    def look(_module: object, given: tuple[Any, ...]) -> None:
        seen.append(len(given[0]))
        if fails(len(given[0])):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    hook = unet.register_forward_pre_hook(look)
    try:
        yield seen
    finally:
        hook.remove()
