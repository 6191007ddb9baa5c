"""Upscalers that no one trained, as real files."""

from pathlib import Path

import torch
from spandrel.architectures.Compact import Compact


def compact(path: Path, *, scale: int = 2, seed: int = 0) -> None:
    """A small network of a known architecture in the file that spandrel is to read."""
    torch.manual_seed(seed)
    network = Compact(num_in_ch=3, num_out_ch=3, num_feat=8, num_conv=2, upscale=scale)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
