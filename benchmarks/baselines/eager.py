"""diffusers as its documentation shows it: loaded in one number type, put on the device, and called."""

from collections.abc import Sequence
from typing import Any

from PIL import Image


def pipeline(folder: str, device: str, number: Any) -> Any:
    """number: torch's dtype. The folder is in diffusers' format."""
    from diffusers import AutoPipelineForText2Image

    made = AutoPipelineForText2Image.from_pretrained(folder, dtype=number, local_files_only=True).to(device)
    made.set_progress_bar_config(disable=True)
    return made


def paint(
    made: Any, prompts: Sequence[str], *, negative: str, seed: int, steps: int, guidance: float, side: int
) -> list[Image.Image]:
    """One call: as many pictures as prompts."""
    import torch

    generators = [torch.Generator("cpu").manual_seed(seed + i) for i in range(len(prompts))]
    pictures: list[Image.Image] = made(
        prompt=list(prompts),
        negative_prompt=[negative] * len(prompts),
        generator=generators,
        num_inference_steps=steps,
        guidance_scale=guidance,
        height=side,
        width=side,
    ).images
    return pictures
