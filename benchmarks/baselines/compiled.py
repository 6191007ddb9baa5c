"""diffusers made fast by its own guide: channels last, fused projections, UNet and VAE decoder compiled."""

from typing import Any

from benchmarks.baselines import eager


def pipeline(folder: str, device: str, number: Any, *, compiler: dict[str, Any] | None = None) -> Any:
    """compiler: what torch.compile is given, by default what the guide does."""
    import torch

    made = eager.pipeline(folder, device, number)
    made.unet.to(memory_format=torch.channels_last)
    made.vae.to(memory_format=torch.channels_last)
    made.fuse_qkv_projections()
    told = compiler or {"mode": "max-autotune", "fullgraph": True}
    if compiler is None:
        inductor = torch._inductor.config
        inductor.conv_1x1_as_mm = True
        inductor.coordinate_descent_tuning = True
        inductor.epilogue_fusion = False
        inductor.coordinate_descent_check_all_directions = True
    made.unet = torch.compile(made.unet, **told)
    made.vae.decode = torch.compile(made.vae.decode, **told)
    return made
