"""Rows of a pass rounded up to a few numbers, so that few sizes need be compiled; what is added is thrown away."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

NUMBERS = (1, 2, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64)
"""Two rows are one picture under guidance; of an even number a quarter more at most is added."""


def bucket(rows: int) -> int:
    """The next number; above the largest one, as many as there are."""
    return next((number for number in NUMBERS if number >= rows), rows)


def filled(asked: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """What a model is asked with as many rows as the bucket has, the last one again and again."""
    return {name: _filled(value, bucket(rows) - rows) for name, value in asked.items()}


def _filled(value: Any, more: int) -> Any:
    import torch

    if isinstance(value, Mapping):
        return {name: _filled(each, more) for name, each in value.items()}
    if value is None:
        return None
    tensor: Tensor = value
    return torch.cat([tensor, tensor[-1:].expand(more, *tensor.shape[1:])]) if more else tensor
