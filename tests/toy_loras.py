"""Toy LoRAs in the forms that trainers write, for the toy checkpoints."""

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


def write(state: dict[str, Any], file: Path) -> Path:
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, file)
    return file
