"""How a model of several parts lies on its device: whole, one part at a time, or layer by layer."""

from collections.abc import Sequence
from typing import Any, Literal

from configs.settings import Vram
from masking.machine import Machine

Placement = Literal["whole", "parts", "layers"]


def choose(vram: Vram, sizes: Sequence[int], room: int) -> Placement:
    """sizes: bytes of each part. room: bytes that could be had for them, beside what computing takes."""
    if vram in ("high", "cpu"):
        return "whole"
    if vram == "normal":
        return "parts"
    if vram == "low":
        return "layers"
    if sum(sizes) <= room:
        return "whole"
    return "parts" if max(sizes, default=0) <= room else "layers"


def needed(placement: Placement, sizes: Sequence[int]) -> int:
    """Bytes that a placement takes on the device at once."""
    return {"whole": sum(sizes), "parts": max(sizes, default=0), "layers": 0}[placement]


def place(modules: Sequence[Any], placement: Placement, machine: Machine) -> None:
    """Have the parts of a model lie on the machine's device as told."""
    if placement == "whole":
        for module in modules:
            machine.move(module, machine.device)
    elif placement == "parts":
        _in_turns(modules, machine)
    else:
        _layer_by_layer(modules, machine)


def take_away(modules: Sequence[Any], placement: Placement, machine: Machine) -> None:
    """Bring what lies on the device to the main memory; what lies there by layers comes and goes by itself."""
    if placement == "layers":
        return
    if placement == "parts":
        from accelerate.hooks import remove_hook_from_module

        for module in modules:
            remove_hook_from_module(module)
    for module in modules:
        machine.move(module, "cpu")


def _in_turns(modules: Sequence[Any], machine: Machine) -> None:
    """Each part comes to the device when it is used, and the one that was there leaves.

    accelerate's hooks, because diffusers heeds them: in `encode` and `decode` of a VAE, when it loads LoRAs, and where
    its pipelines ask on which device they run.
    """
    from accelerate.hooks import ModelHook, add_hook_to_module
    from accelerate.utils import send_to_device

    there: list[Any] = []

    class Turn(ModelHook):
        execution_device = machine.device

        def pre_forward(self, module: Any, *given: Any, **named: Any) -> tuple[Any, Any]:
            if module not in there:
                for other in there:
                    machine.move(other, "cpu")
                machine.move(module, machine.device)
                there[:] = [module]
            return send_to_device(given, machine.device), send_to_device(named, machine.device)

    for module in modules:
        machine.move(module, "cpu")
        add_hook_to_module(module, Turn())


def _layer_by_layer(modules: Sequence[Any], machine: Machine) -> None:
    import torch
    from diffusers.hooks import apply_group_offloading
    from diffusers.hooks.group_offloading import _is_group_offload_enabled

    for module in modules:
        if not _is_group_offload_enabled(module):
            apply_group_offloading(
                module,
                onload_device=torch.device(machine.device),
                offload_device=torch.device("cpu"),
                offload_type="leaf_level",
                use_stream=machine.device == "cuda",
            )
