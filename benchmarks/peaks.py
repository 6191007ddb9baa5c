"""How much memory one step and one decoding take, by the width of the model: the numbers in `configs/memory.json`.

Models of the real widths with few layers and random numbers, on the processor in 32 bits: the peak of a pass lies in
its widest layer, whatever their number. Linux only, which tells a process's peak and forgets it on request.
"""

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from configs.settings import ROOT

PARTS = ROOT / "configs" / "parts"


def run(*, cases: int = 2) -> None:
    """cases: 1 for a side of 512 pixels alone, 2 for 1024, too."""
    import torch

    print("| model | size | peak MiB | bytes / (places x width x 4) |")
    print("|---|---|---|---|")
    with torch.inference_mode():
        for name, kinds in (("sd1", _unet), ("sdxl", _unet), ("flux", _flow), ("sd35_medium", _flow)):
            for side in (512, 1024)[:cases]:
                kinds(name, side)
        for side in (256, 512)[:cases]:
            _decoding(side)


def _unet(name: str, side: int) -> None:
    import torch
    from diffusers import UNet2DConditionModel

    told = json.loads((PARTS / name / "unet" / "config.json").read_text(encoding="utf-8"))
    channels = [min(width, 640) for width in told["block_out_channels"]]
    more = {"block_out_channels": channels, "transformer_layers_per_block": 1}
    unet = UNet2DConditionModel.from_config(told | more).eval()
    latents, words = (
        torch.randn(1, told["in_channels"], side // 8, side // 8),
        torch.randn(1, 77, told["cross_attention_dim"]),
    )
    conditions = None
    if told.get("addition_embed_type"):
        conditions = {"text_embeds": torch.randn(1, 1280), "time_ids": torch.randn(1, 6)}
    _tell(name, side, (side // 8) ** 2 * channels[0], lambda: unet(latents, 1, words, added_cond_kwargs=conditions))


def _flow(name: str, side: int) -> None:
    import diffusers
    import torch

    told = json.loads((PARTS / name / "transformer" / "config.json").read_text(encoding="utf-8"))
    kind = getattr(diffusers, told["_class_name"])
    few: dict[str, Any] = {key: 1 for key in ("num_layers", "num_single_layers") if key in told}
    few |= {"dual_attention_layers": [0]} if "dual_attention_layers" in told else {}
    made = kind.from_config(told | few).eval()
    width, tokens = told["num_attention_heads"] * told["attention_head_dim"], (side // 16) ** 2
    words = torch.randn(1, 512 if name == "flux" else 333, told["joint_attention_dim"])
    pooled = torch.randn(1, told["pooled_projection_dim"])
    if name == "flux":
        given = torch.randn(1, tokens, told["in_channels"])
        ids = {"img_ids": torch.zeros(tokens, 3), "txt_ids": torch.zeros(words.shape[1], 3)}
    else:
        given, ids = torch.randn(1, told["in_channels"], side // 8, side // 8), {}
    asked = {"hidden_states": given, "encoder_hidden_states": words, "pooled_projections": pooled} | ids
    _tell(name, side, tokens * width, lambda: made(**asked, timestep=torch.tensor([500.0])))


def _decoding(side: int) -> None:
    import torch
    from diffusers import AutoencoderKL

    told = json.loads((PARTS / "sd1" / "vae" / "config.json").read_text(encoding="utf-8"))
    vae = AutoencoderKL.from_config(told).eval()
    latents, width = torch.randn(1, 4, side // 8, side // 8), told["block_out_channels"][0]
    picture = torch.randn(1, 3, side, side)
    _tell("vae, decode", side, side * side * width, lambda: vae.decode(latents))
    _tell("vae, encode", side, side * side * width, lambda: vae.encode(picture))
    if side == 512:
        vae.enable_tiling()
        vae.tile_sample_min_size, vae.tile_latent_min_size = 256, 32
        _tell("vae, decode in tiles of 256", side, 256 * 256 * width, lambda: vae.decode(latents))


def _tell(name: str, side: int, places: int, work: Callable[[], Any]) -> None:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _status("VmRSS")
    work()
    peak = _status("VmHWM") - before
    print(f"| {name} | {side} | {peak >> 20} | {peak / (places * 4):.1f} |", flush=True)


def _status(name: str) -> int:
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return int(told[name].split()[0]) * 1024
