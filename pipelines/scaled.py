"""Single files whose weights are 8-bit floats times a scale, as ComfyUI and Black Forest Labs publish them.

Plain 8-bit floats need nothing: diffusers widens them as it loads. What is packed otherwise is refused by its header.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masking.errors import NotSupported
from pipelines.tensor_files import numbers

if TYPE_CHECKING:
    from torch import Tensor

SCALES = ("weight_scale", "scale_weight")
"""The ends of the names of scales, beside a `weight`; later files have the former."""

ASIDE = ("input_scale", "scale_input", "comfy_quant", "scaled_fp8")
"""What such files tell besides, and what is of no use where numbers are computed at full width."""

EIGHT_BITS = ("F8_E4M3", "F8_E5M2")


def refuse_packed(path: Path) -> None:
    """Raises NotSupported for a file with weights that are packed in a way that cannot be unpacked here."""
    told = numbers(path)
    for name in told:
        layer, _, end = name.rpartition(".")
        if end in (*SCALES, "comfy_quant") and told.get(f"{layer}.weight") not in (None, *EIGHT_BITS):
            raise NotSupported(
                f"The checkpoint {path.name} is quantized for ComfyUI: {layer}.weight holds {told[f'{layer}.weight']} "
                "and a scale. Of such files those of 8-bit floats work; take such a one, one of 16 bits or a GGUF.",
                field="checkpoint",
            )


def widened(state: Mapping[str, "Tensor"], number: Any) -> dict[str, "Tensor"]:
    """A file's tensors with every scaled weight as what it stands for, of torch's type `number`."""
    scales = {layer: state[name] for name in state for layer, _, end in [name.rpartition(".")] if end in SCALES}
    made: dict[str, Tensor] = {}
    for name, value in state.items():
        layer, _, end = name.rpartition(".")
        if end in SCALES or end in ASIDE:
            continue
        scaled = end == "weight" and layer in scales
        made[name] = (value.float() * scales[layer].float()).to(number) if scaled else value
    return made
