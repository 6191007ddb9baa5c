"""What the tests ask an engine to paint."""

from typing import Any

import numpy as np
from PIL import Image

from pipelines.engine import Engine
from pipelines.families import Model
from pipelines.plans import Painting, Pixels, Recipe, Repainting


def recipe(**more: Any) -> Recipe:
    told: dict[str, Any] = {
        "prompt": "a red ball on a meadow",
        "negative_prompt": "blue",
        "styles": (),
        "checkpoint": "toy",
        "steps": 3,
        "guidance_scale": 4.0,
        "sampler": "dpmpp_2m",
        "scheduler": "karras",
        "clip_skip": 1,
        "deterministic": False,
    }
    return Recipe(**told | more)


def paint(model: Model, painting: Painting) -> Pixels:
    engine = Engine(model)
    engine.admit(painting)
    pictures = [stroke.picture for _ in range(100) for stroke in engine.step() if stroke.picture is not None]
    assert len(pictures) == 1
    return pictures[0]


def repainting(told: Recipe, *, skipped: int = 0) -> Repainting:
    hole = round_hole()
    return Repainting(
        recipe=told,
        seed=5,
        width=64,
        height=64,
        image=picture(),
        mask=hole,
        cells=hole[::8, ::8].astype(np.float32),
        skipped=skipped,
        from_image=True,
    )


def picture(width: int = 64, height: int = 64, seed: int = 0) -> Pixels:
    """A picture with soft and sharp parts; RGB."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.array(soft)
    pixels[height // 3 :, width // 3 : width // 2] = rng.integers(0, 256, 3)
    return pixels


def round_hole(width: int = 64, height: int = 64, grown: float = 1.0) -> np.ndarray:
    """True in an ellipse about the middle, `grown` times its usual size."""
    y, x = np.mgrid[:height, :width]
    return ((x - width * 0.45) / (width * 0.3)) ** 2 + ((y - height * 0.5) / (height * 0.25)) ** 2 < grown**2
