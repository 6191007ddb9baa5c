"""Latents as tokens, for transformers, and the way back."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def packed(latents: "Tensor") -> "Tensor":
    """1 × channels × rows × columns as one token for each 2 × 2 cells: 1 × tokens × 4 channels."""
    channels, rows, columns = latents.shape[1:]
    patches = latents.view(1, channels, rows // 2, 2, columns // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(1, (rows // 2) * (columns // 2), 4 * channels)


def unpacked(tokens: "Tensor", rows: int, columns: int) -> "Tensor":
    """What `packed` made, the way back."""
    channels = tokens.shape[2] // 4
    patches = tokens.view(1, rows // 2, columns // 2, channels, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return patches.reshape(1, channels, rows, columns)
