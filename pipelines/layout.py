"""How weights lie in memory, and which kernel attends: what a graphics card likes, and nothing else changes by."""

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

ON = ("cuda",)
"""Devices whose convolutions compute faster where the channels of a place lie beside each other."""

HOPPER = 9
"""The generation of cards (the first number of their compute capability)."""


def arrange(module: Any, device: str) -> Any:
    """A model of diffusers', made for `device`, with channels last; one that cannot lie so is left as it is.

    On a processor nothing moves: by the order in memory convolutions choose how they round, and so differ from
    diffusers' own.
    """
    import torch

    if device in ON and not getattr(module, "hf_quantizer", None) and not _knows_videos(module):
        module.to(memory_format=torch.channels_last)
    return module


def _knows_videos(module: Any) -> bool:
    """Whether its weights have a third axis besides rows and columns, for which there is no such order."""
    return any(weight.dim() > 4 for weight in module.parameters())


def attending(device: str) -> AbstractContextManager[object]:
    """While it lasts attention takes the quickest kernel: on Hopper cuDNN's first, else in torch's own order.

    torch puts FlashAttention 2 first everywhere, which was not written for Hopper; on cards before and after it that
    order is right (huggingface/transformers#48163 timed six cards). What the first kernel cannot do falls to the next.
    """
    if device != "cuda" or _generation() != HOPPER:
        return nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel

    order = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    kernels: AbstractContextManager[object] = sdpa_kernel(order, set_priority=True)
    return kernels


@functools.cache
def _generation() -> int:
    import torch

    return int(torch.cuda.get_device_capability()[0])
