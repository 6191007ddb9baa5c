"""Weights of linear layers as 8-bit floats (--fp8): half the memory, and on cards that multiply such numbers quicker.

A weight is an 8-bit float times a scale of its row. Where the card can, what comes in is scaled row by row, too, and
both are multiplied as they are; else weights are widened for the moment of their use, which saves memory alone. Rows
are scaled each by itself, so that a picture does not depend on those that share its pass.
"""

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from masking.errors import NotSupported
from pipelines.patched_reading import PACKED, WORN

if TYPE_CHECKING:
    from torch import Tensor

LARGEST = 448.0
"""Of the numbers with 4 bits of exponent and 3 of fraction."""

GRAIN = 16
"""The card's product is of matrices whose sides are multiples of it."""

ADA = (8, 9)
"""The first compute capability with such products."""


def narrow(model: Any, device: str) -> None:
    """Have the linear layers of a model's blocks hold 8-bit floats; those before and behind the blocks stay.

    Packed layers (GGUF's) are left alone: they are narrow already. Raises NotSupported on a device without such floats.
    """
    if device not in ("cpu", "cuda"):
        raise NotSupported(f"--fp8 needs CUDA or a processor: {device} has no 8-bit floats. Start without it.")
    multiplies = device == "cuda" and _multiplies()
    for parent, name, layer in list(_inner(model)):
        setattr(parent, name, _kind()(layer.weight.data, layer.bias, multiplies))


def _inner(model: Any) -> Iterator[tuple[Any, str, Any]]:
    """Parent, name and layer of each plain linear layer that lies, at any depth, in a list of them or of others."""
    from torch import nn

    lists = [place for place, layer in model.named_modules() if isinstance(layer, nn.ModuleList)]
    for place, layer in model.named_modules():
        fits = type(layer) is nn.Linear and not (layer.in_features % GRAIN or layer.out_features % GRAIN)
        if fits and any(place.startswith(f"{each}.") for each in lists):
            parent, _, name = place.rpartition(".")
            yield model.get_submodule(parent), name, layer


def scaled(rows: "Tensor") -> "tuple[Tensor, Tensor]":
    """Rows of numbers as 8-bit floats, and the scale of each row, rows × 1, float32."""
    import torch

    scale = rows.abs().amax(-1, keepdim=True).float().clamp(min=torch.finfo(torch.float32).tiny) / LARGEST
    return (rows / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn), scale


@functools.cache
def _multiplies() -> bool:
    """Whether the card multiplies 8-bit floats that are scaled by rows; asked of it, for not all recent ones do."""
    import torch

    if torch.cuda.get_device_capability() < ADA:
        return False
    try:
        one, scale = scaled(torch.ones(GRAIN, GRAIN, device="cuda", dtype=torch.bfloat16))
        torch._scaled_mm(one, one.t(), scale_a=scale, scale_b=scale.t(), out_dtype=torch.bfloat16)
        torch.cuda.synchronize()
    except RuntimeError:
        return False
    return True


@functools.cache
def _kind() -> Any:
    """The class of such layers; for LoRAs, and for whatever reads a `weight`, they are linear layers."""
    import torch
    from torch import nn
    from torch.nn import functional

    class EightBitLinear(nn.Linear):
        def __init__(self, weight: Any, bias: Any, multiplies: bool) -> None:
            nn.Module.__init__(self)
            self.out_features, self.in_features = weight.shape
            self.multiplies, self.wide = multiplies, weight.dtype
            packed, scale = (weight, None) if weight.dtype == torch.float8_e4m3fn else scaled(weight)
            self.register_parameter(PACKED, nn.Parameter(packed, requires_grad=False))
            self.register_buffer("scale", scale)
            self.register_parameter("bias", bias)

        @property
        def weight(self) -> Any:
            return (self.packed.float() * self.scale).to(self.wide)

        def forward(self, given: Any) -> Any:
            if not self.multiplies or self._is_changed():
                return functional.linear(given, self.weight, self.bias)
            rows, scale = scaled(given.reshape(-1, self.in_features))
            made = torch._scaled_mm(rows, self.packed.t(), scale_a=scale, scale_b=self.scale.t(), out_dtype=self.wide)
            made = made if self.bias is None else made + self.bias
            return made.reshape(*given.shape[:-1], self.out_features)

        def _is_changed(self) -> bool:
            """Whether a patch is worn (see `patched_reading`), which changes what is read as `weight`."""
            worn = self.__dict__.get(WORN)
            return worn is not None and worn.patch is not None

        def chunks(self, number: int) -> "list[EightBitLinear]":
            """Its rows as so many layers."""
            biases = [None] * number if self.bias is None else self.bias.data.chunk(number)
            made = []
            for packed, scale, bias in zip(
                self.packed.data.chunk(number), self.scale.chunk(number), biases, strict=True
            ):
                layer = EightBitLinear(packed, None if bias is None else nn.Parameter(bias), self.multiplies)
                layer.scale, layer.wide = scale, self.wide
                made.append(layer)
            return made

    return EightBitLinear
