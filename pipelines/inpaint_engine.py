"""Fooocus's inpaint engine, which teaches SDXL checkpoints of 4 channels to see what they continue.

A patch adds to the UNet's weights; a head, one convolution from mask and masked latents, adds to what its first layer
tells. Both are files of lllyasviel's; the checkpoint that is patched is loaded for it alone, and no other is changed.
"""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.settings import Settings
from masking.errors import BrokenModel, ModelMissing
from pipelines import companions
from pipelines.unet_names import single_file_name

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.unet_model import UnetModel

SEEN = 5
"""Channels that the head sees: the mask, and 4 of the picture's latents without what is masked."""


def put_into(model: "UnetModel", engine: str, settings: Settings) -> None:
    """Patch a model that was loaded for it, and give it the head. Raises ModelMissing or BrokenModel."""
    there = companions.installed("inpaint", settings)
    files = [there.get(name) for name in (companions.ENGINE_HEAD, companions.ENGINES[engine])]
    if files[0] is None or files[1] is None:
        raise ModelMissing(f"The files of the inpaint engine {engine} are no longer there.", field="inpaint_engine")
    head = _read(files[0]).get("head")
    width = model.unet.conv_in.out_channels
    if head is None or tuple(head.shape[:2]) != (width, SEEN):
        raise BrokenModel(f"{files[0].name} is no inpaint head for a UNet of {width} channels.", field="inpaint_engine")
    _patch(model.unet, files[1])
    model.head = head.to(model.dtype)


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


def _patch(unet: Any, file: Path) -> None:
    """Add the file's changes: 8-bit steps between a least and a largest value, for each tensor that it names."""
    import torch

    changes = {name.removeprefix("model.").removeprefix("diffusion_model."): told for name, told in _read(file).items()}
    attending = {i for i, block in enumerate(unet.up_blocks) if hasattr(block, "attentions")}
    layers = unet.config.layers_per_block
    known = 0
    with torch.no_grad():
        for name, weight in unet.named_parameters():
            told = changes.get(single_file_name(name, layers=layers, attending_up=attending))
            if told is None:
                continue
            if len(told) != 3 or told[0].shape != weight.shape:
                raise BrokenModel(f"{file.name} does not fit: its {name} is another one.", field="inpaint_engine")
            steps, least, largest = (part.to(weight.device, torch.float32) for part in told)
            weight.copy_(weight.float() + steps / 255 * (largest - least) + least)
            known += 1
    if not known:
        raise BrokenModel(f"{file.name} changes nothing that this checkpoint has.", field="inpaint_engine")


def _read(file: Path) -> dict[str, Any]:
    """A pickle, read with weights_only, which runs nothing."""
    import torch

    try:
        told: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        return dict(told)
    except (OSError, RuntimeError, ValueError, TypeError, EOFError, pickle.UnpicklingError) as problem:
        raise BrokenModel(f"{file.name} does not load: {problem}", field="inpaint_engine") from problem
