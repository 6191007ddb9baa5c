"""Fooocus's inpaint engine, which teaches SDXL checkpoints of 4 channels to see what they continue.

A patch adds to the UNet's weights whenever a pass of an inpaint reads them; a head, one convolution from mask and
masked latents, adds to what its first layer tells. Both are files of lllyasviel's. The checkpoint's own weights stay as
they are, and no second copy of them is held.
"""

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from masking.errors import BrokenModel, ModelMissing
from pipelines import companions, patched_reading
from pipelines.unet_names import single_file_name

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.unet_model import UnetModel

ENDS = ("/steps", "/least", "/largest")
SEEN = 5
"""Channels that the head sees: the mask, and 4 of the picture's latents without what is masked."""


def load(model: "UnetModel", engine: str, settings: Settings) -> Any:
    """The engine's `InpaintPatch` for a model (see `UnetModel.with_patch`); it lies where the model does.

    Raises ModelMissing or BrokenModel.
    """
    there = companions.installed("inpaint", settings)
    head_file, file = (there.get(name) for name in (companions.ENGINE_HEAD, companions.ENGINES[engine]))
    if head_file is None or file is None:
        raise ModelMissing(f"The files of the inpaint engine {engine} are no longer there.", field="inpaint_engine")
    model.rows.take_apart()
    head = _read(head_file).get("head")
    width = model.unet.conv_in.out_channels
    if head is None or tuple(head.shape[:2]) != (width, SEEN):
        raise BrokenModel(
            f"{head_file.name} is no inpaint head for a UNet of {width} channels.", field="inpaint_engine"
        )
    return _patch(head.to(model.dtype), _changes(model.unet, file)).to(next(model.unet.parameters()).device)


def features(head: "Tensor", conditions: "Tensor") -> "Tensor":
    """What the head makes of mask and masked latents, 1 × 5 × rows × columns."""
    from torch.nn import functional

    half = head.shape[-1] // 2
    padded = functional.pad(conditions, (half,) * 4, mode="replicate")
    return functional.conv2d(padded, head.to(conditions))


@contextmanager
def beside(layer: Any, added: "Tensor | None") -> Iterator[None]:
    """While it lasts, this is added to what a layer gives."""
    if added is None:
        yield
        return
    hook = layer.register_forward_hook(lambda _layer, _given, told: told + added.to(told))
    try:
        yield
    finally:
        hook.remove()


def _patch(head: "Tensor", changes: "Mapping[str, tuple[Tensor, Tensor, Tensor]]") -> Any:
    """A module, so that it is weighed and moved as models are. head: its head. Adds what the file tells to weights."""
    import torch

    class InpaintPatch(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.names = tuple(changes)
            self.register_buffer("head", head)
            for name, told in changes.items():
                for end, value in zip(ENDS, told, strict=True):
                    self.register_buffer(name.replace(".", "/") + end, value)

        def changed(self, name: str, weight: "Tensor") -> "Tensor":
            begin = name.replace(".", "/")
            steps, least, largest = (self.get_buffer(begin + end).to(weight.device) for end in ENDS)
            return (weight.float() + steps.float() / 255 * (largest - least) + least).to(weight.dtype)

    return InpaintPatch()


def _changes(unet: Any, file: Path) -> "dict[str, tuple[Tensor, Tensor, Tensor]]":
    """For each tensor that the file changes, 8-bit steps, and what the least and the largest of them mean."""
    import torch

    told = {
        name.removeprefix("model.").removeprefix("diffusion_model."): change for name, change in _read(file).items()
    }
    attending = {i for i, block in enumerate(unet.up_blocks) if hasattr(block, "attentions")}
    layers, found = unet.config.layers_per_block, {}
    for name, weight in patched_reading.parameters(unet).items():
        change = told.get(single_file_name(name, layers=layers, attending_up=attending))
        if change is None:
            continue
        if len(change) != 3 or change[0].shape != weight.shape:
            raise BrokenModel(f"{file.name} does not fit: its {name} is another one.", field="inpaint_engine")
        steps, least, largest = change
        found[name] = (steps, least.to(torch.float32), largest.to(torch.float32))
    if not found:
        raise BrokenModel(f"{file.name} changes nothing that this checkpoint has.", field="inpaint_engine")
    return found


def _read(file: Path) -> dict[str, Any]:
    """A pickle, read with weights_only, which runs nothing."""
    import torch

    try:
        told: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        return dict(told)
    except (OSError, RuntimeError, ValueError, TypeError, EOFError, pickle.UnpicklingError) as problem:
        raise BrokenModel(f"{file.name} does not load: {problem}", field="inpaint_engine") from problem
