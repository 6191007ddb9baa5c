"""A part of a model that need not look twice at the same picture."""

from collections.abc import Callable
from typing import Any

from masking.pictures import Recent

MOST = 4
"""Pictures whose features are kept: about 20 MiB each for GroundingDINO's Swin-T."""


class Remembering:
    """Takes a module's `forward` over; what it gave for a picture is given again for one of the same `key`."""

    def __init__(self, module: Any) -> None:
        self._forward: Callable[..., tuple[Any, ...]] = module.forward
        self._recent = Recent(MOST)
        self.key = ""
        module.forward = self

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        kept = self._recent.get(self.key, lambda: self._forward(*inputs))
        return tuple(list(part) if isinstance(part, list) else part for part in kept)  # GroundingDINO appends to them
