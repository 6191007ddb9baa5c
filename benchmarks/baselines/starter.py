"""diffusers' pipeline of the starter. As a script it paints a picture: `python -m` this, a side, and a file's name."""

import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "models" / "starter" / "checkpoints" / "gesso-starter"


class AlsoNine(int):
    """The channels of a UNet made for inpainting; diffusers asks whether they are nine, and needs no more than that."""

    def __eq__(self, other: object) -> bool:
        return other == 9 or int(self) == other

    __hash__ = int.__hash__


def pipeline() -> Any:
    """The starter is made for inpainting, hence its pipeline is, too."""
    import diffusers
    import torch

    asked = {"safety_checker": None, "local_files_only": True, "dtype": torch.float32}
    made = diffusers.StableDiffusionInpaintPipeline.from_pretrained(FOLDER, **asked)
    made.unet.register_to_config(in_channels=AlsoNine(made.unet.config.in_channels))
    made.set_progress_bar_config(disable=True)
    return made


def paint(made: Any, prompt: str, *, side: int, steps: int, guidance: float, seed: int) -> Any:
    """A picture from noise alone."""
    import torch
    from PIL import Image

    return made(
        prompt=prompt,
        image=Image.new("RGB", (side, side)),
        mask_image=Image.new("L", (side, side), 255),
        height=side,
        width=side,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=torch.Generator("cpu").manual_seed(seed),
    ).images[0]


if __name__ == "__main__":
    paint(pipeline(), "a ball", side=int(sys.argv[1]), steps=1, guidance=1.2, seed=1).save(sys.argv[2])
