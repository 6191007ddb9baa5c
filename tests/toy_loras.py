"""Toy LoRAs in the forms that trainers write, for the toy checkpoints."""

import math
from pathlib import Path
from typing import Any

from tests.single_files import unet_name

RANK, ALPHA = 2, 1.0
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
WORDS = ("q_proj", "k_proj", "v_proj", "out_proj")
LAYERS = {"attention": ATTENTION, "convolutions": ("conv1", "conv2", "proj_in"), "words": WORDS}


def deltas(model: Any, kinds: tuple[str, ...] = ("attention", "words"), seed: int = 0) -> dict[str, dict[str, Any]]:
    """For each part (`unet`, `text_encoder`, …) of one of our models: layer → (down, up), random."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    parts = {"unet": model.unet}
    for encoder, name in zip(model.reader.encoders, ("text_encoder", "text_encoder_2"), strict=False):
        parts[name] = encoder.text_encoder
    ends = tuple(f".{end}" for kind in kinds for end in LAYERS[kind])
    made: dict[str, dict[str, Any]] = {}
    for part, module in parts.items():
        for name, layer in module.named_modules():
            if name.endswith(ends) and hasattr(layer, "weight"):
                out, within, *sides = layer.weight.shape
                down = torch.randn(RANK, within, *sides, generator=rng)
                up = torch.randn(out, RANK, *[1] * len(sides), generator=rng)
                made.setdefault(part, {})[name] = (down, up)
    return made


def peft(changes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """As diffusers' training scripts write it (alpha = rank)."""
    state = {}
    for part, layers in changes.items():
        for name, (down, up) in layers.items():
            state[f"{part}.{name}.lora_A.weight"] = down.contiguous()
            state[f"{part}.{name}.lora_B.weight"] = up.contiguous()
    return state


def kohya(changes: dict[str, dict[str, Any]], *, sgm: bool = False) -> dict[str, Any]:
    """As kohya's scripts write it, with an alpha; sgm: by the names that single files have."""
    import torch

    every = {f"{name}.weight" for name in changes.get("unet", {})}
    two = "text_encoder_2" in changes
    begins = {"unet": "lora_unet_", "text_encoder": "lora_te1_" if two else "lora_te_", "text_encoder_2": "lora_te2_"}
    state = {}
    for part, layers in changes.items():
        for name, (down, up) in layers.items():
            if part == "unet" and sgm:
                name = unet_name(f"{name}.weight", every).removesuffix(".weight")
            elif part != "unet":
                name = name if name.startswith("text_model.") else f"text_model.{name}"
            begin = begins[part] + name.replace(".", "_")
            state[f"{begin}.lora_down.weight"] = down.contiguous()
            state[f"{begin}.lora_up.weight"] = up.contiguous()
            state[f"{begin}.alpha"] = torch.tensor(ALPHA)
    return state


def lycoris(unet: Any, form: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """LoHa or LoKr as LyCORIS's scripts write it; layer → what it adds to the layer's weights, worked out in full.

    form: "loha", "tucker" (with a core of its own for convolutions), "lokr", or "whole" (LoKr without low ranks).
    """
    import torch

    rng = torch.Generator().manual_seed(3)
    state: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    ends = tuple(f".{end}" for end in (*ATTENTION, "conv1", "proj_in"))
    for name, layer in unet.named_modules():
        if not (name.endswith(ends) and hasattr(layer, "weight")):
            continue
        out, within, *sides = shape = tuple(layer.weight.shape)
        area = math.prod(sides)

        def made(*size: int) -> Any:
            return torch.randn(*size, generator=rng) * 0.3

        scale = ALPHA / RANK
        if form == "tucker" and area > 1:
            parts = {f"hada_t{i}": made(RANK, RANK, *sides) for i in (1, 2)}
            parts |= {f"hada_w{i}_{side}": made(RANK, out if side == "a" else within) for i in (1, 2) for side in "ab"}
            whole = _with_core(parts, 1) * _with_core(parts, 2)
        elif form in ("loha", "tucker"):
            parts = {"hada_w1_a": made(out, RANK), "hada_w1_b": made(RANK, within * area)}
            parts |= {"hada_w2_a": made(out, RANK), "hada_w2_b": made(RANK, within * area)}
            whole = (parts["hada_w1_a"] @ parts["hada_w1_b"]) * (parts["hada_w2_a"] @ parts["hada_w2_b"])
        else:
            parts = {"lokr_w1": made(2, 2), "lokr_w2": made(out // 2, within // 2, *sides)}
            second = parts["lokr_w2"]
            if form == "lokr":
                del parts["lokr_w2"]
                parts |= {"lokr_w2_a": made(out // 2, RANK), "lokr_w2_b": made(RANK, within // 2 * area)}
                second = (parts["lokr_w2_a"] @ parts["lokr_w2_b"]).reshape(second.shape)
            whole = torch.kron(parts["lokr_w1"].reshape(2, 2, *[1] * len(sides)), second)
            scale = scale if form == "lokr" else 1.0
        begin = f"lora_unet_{name.replace('.', '_')}"
        state |= {f"{begin}.{part}": value for part, value in parts.items()} | {f"{begin}.alpha": torch.tensor(ALPHA)}
        changes[name] = whole.reshape(shape) * scale
    return state, changes


def _with_core(parts: dict[str, Any], which: int) -> Any:
    """out × in × height × width: the core's kernels, each times a column for the outputs and a row for the inputs."""
    import torch

    core, out, within = (parts[f"hada_{name}"] for name in (f"t{which}", f"w{which}_a", f"w{which}_b"))
    return sum(torch.outer(out[p], within[q])[..., None, None] * core[p, q] for p in range(RANK) for q in range(RANK))


def write(state: dict[str, Any], file: Path) -> Path:
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, file)
    return file
