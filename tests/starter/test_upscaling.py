"""The shipped upscalers, through the server's own door, on scenes that no training saw."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from configs.settings import ROOT
from tests.server.running import Running, as_text
from training.scenes import Scene, draw, paint


def scenes() -> list[Scene]:
    rng = np.random.default_rng(20_261_122)
    return [draw(rng, count=1), draw(rng, count=2)]


def closeness(picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """PSNR in dB."""
    return float(10 * np.log10(255**2 / np.square(picture.astype(float) - truth).mean()))


def energy(picture: NDArray[np.uint8]) -> float:
    """Mean squared step from pixel to pixel."""
    return float(sum(np.square(np.diff(picture.astype(float), axis=axis)).mean() for axis in (0, 1)))


@pytest.mark.parametrize(
    ("scale", "asked"),
    [(2, {"uov_method": "Upscale (Fast 2x)"}), (4, {"uov_method": "Upscale (Custom)", "upscale_multiple": 4})],
)
@pytest.mark.parametrize("scene", scenes(), ids=["one", "two"])
def test_the_large_picture_is_much_nearer_to_the_truth_than_lanczos(
    server: Running, scene: Scene, scale: int, asked: dict[str, object]
) -> None:
    small, truth = paint(scene).picture, paint(scene, scale).picture
    record = server.made(uov_input_image=as_text(Image.fromarray(small)), **asked)
    large = np.asarray(server.picture(record["result"][0]))
    lanczos = np.asarray(Image.fromarray(small).resize((256 * scale, 256 * scale), Image.Resampling.LANCZOS))
    assert record["effective_params"]["upscaler"] == f"gesso-starter-x{scale}.safetensors"
    assert record["effective_params"]["paints"] is False
    assert closeness(large, truth) >= closeness(lanczos, truth) + 2
    assert abs(energy(large) / energy(truth) - 1) < abs(energy(lanczos) / energy(truth) - 1)


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({"uov_method": "Upscale (1.5x)"}, 384),
        ({"uov_method": "Upscale (2x)"}, 512),
        ({"uov_method": "Upscale (Fast 2x)"}, 512),
        ({"uov_method": "Upscale (Custom)", "upscale_multiple": 1.2}, 307),
    ],
)
def test_every_method_uses_them_without_a_warning(server: Running, asked: dict[str, object], size: int) -> None:
    small = Image.fromarray(paint(scenes()[0]).picture)
    record = server.made(uov_input_image=as_text(small), prompt="a picture", **asked)
    assert server.picture(record["result"][0]).size == (size, size)
    assert record["warnings"] == []
    assert record["effective_params"]["upscaler"] == "gesso-starter-x2.safetensors"


def test_they_are_small() -> None:
    files = (ROOT / "models" / "starter" / "upscale_models").iterdir()
    assert sum(path.stat().st_size for path in files) < 1.2 * 2**20
