"""diffusers made fast by its own guide: channels last, fused projections, UNet and VAE decoder compiled."""

from typing import Any

from benchmarks.baselines import eager

GUIDE = {
    "conv_1x1_as_mm": True,
    "coordinate_descent_tuning": True,
    "epilogue_fusion": False,
    "coordinate_descent_check_all_directions": True,
}
"""Inductor's settings in that guide; given to these compilations alone, so that other arms keep their own."""


def pipeline(folder: str, device: str, number: Any, *, compiler: dict[str, Any] | None = None) -> Any:
    """compiler: what torch.compile is given, by default what the guide does."""
    import torch

    made = eager.pipeline(folder, device, number)
    made.unet.to(memory_format=torch.channels_last)
    made.vae.to(memory_format=torch.channels_last)
    made.fuse_qkv_projections()
    told = compiler or {"fullgraph": True, "options": torch._inductor.list_mode_options("max-autotune") | GUIDE}
    made.unet = torch.compile(made.unet, **told)
    made.vae.decode = torch.compile(made.vae.decode, **told)
    return made
