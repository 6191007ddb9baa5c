"""Weights that are read with changes while a patch is worn: the model's own stay as they are, and are held once.

The classes of the layers that a patch changes get properties in the place of their parameters. So it does not matter
what has been put around a layer's `forward` (LoRAs, offloading) and when, and a change is made where the weight lies.
"""

import functools
from collections.abc import Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

PACKED = "packed"
"""A parameter that stands for a weight which is worked out when it is read, see `pipelines.eight_bits`."""

WORN, NAMES = "patch_worn", "patch_names"
"""Attributes of a layer: what all layers of its model share, and its parameters' names in the model."""


class Patch(Protocol):
    """Changes, by the names that a model's parameters have without LoRAs."""

    def changed(self, name: str, weight: "Tensor") -> "Tensor":
        """What is read in the place of a weight."""
        ...


class _Worn:
    """What one model wears at the moment."""

    patch: Patch | None = None


def parameters(model: Any) -> "Mapping[str, Tensor]":
    """By the names that they have without LoRAs, whose own are left out."""
    told = {name: value for name, value in model.named_parameters() if ".lora_" not in name}
    plain = {name.replace(".base_layer.", "."): value for name, value in told.items()}
    return {name.removesuffix(PACKED) + "weight" if name.endswith(PACKED) else name: plain[name] for name in plain}


def make_ready(model: Any, names: Collection[str]) -> None:
    """Have the layers of these parameters look for a patch before they read them."""
    shared = model.__dict__.setdefault(WORN, _Worn())
    for place, layer in list(model.named_modules()):
        plain = place.replace(".base_layer", "")
        held = ("weight" if name == PACKED else name for name in layer._parameters)
        if own := {name: full for name in held if (full := f"{plain}.{name}") in names}:
            layer.__dict__[WORN] = shared
            layer.__dict__.setdefault(NAMES, {}).update(own)
            kind: Any = type(layer)
            layer.__class__ = _looking(kind)


@contextmanager
def worn(model: Any, patch: Patch | None) -> Iterator[None]:
    """Until the end of the block a model that was made ready for a patch reads its weights with it."""
    if patch is None:
        yield
        return
    shared: _Worn = model.__dict__[WORN]
    shared.patch = patch
    try:
        yield
    finally:
        shared.patch = None


@functools.cache
def _looking(kind: Hashable) -> type:
    """A layer's class with properties where its weight and bias are read; itself if it has them already."""
    assert isinstance(kind, type)
    if hasattr(kind, "looks_for_patch"):
        return kind

    def read(name: str, layer: Any) -> Any:
        worked_out = getattr(kind, name, None)
        if worked_out is None and name not in layer._parameters:
            raise AttributeError(name)
        own = worked_out.fget(layer) if worked_out is not None else layer._parameters[name]
        patch, full = layer.__dict__[WORN].patch, layer.__dict__[NAMES].get(name)
        return own if patch is None or full is None else patch.changed(full, own)

    ways = {name: property(functools.partial(read, name)) for name in ("weight", "bias")}
    return type(kind.__name__, (kind,), {"looks_for_patch": True, **ways})
