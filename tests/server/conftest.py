"""One server for most tests, with toy models."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, start
from tests.toy_masks import red_finder
from tests.toys import stable_diffusion


@pytest.fixture(scope="session")
def toy_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder whose starter checkpoint and mask model are toys."""
    models = tmp_path_factory.mktemp("models")
    stable_diffusion(models / "checkpoints" / "gesso-starter", unet_channels=9)
    red_finder(models / "rembg" / "gesso-salient.onnx")
    return models


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Iterator[Running]:
    """A server that is ready."""
    running = start(tmp_path_factory.mktemp("server"), toy_models)
    try:
        running.wait()
        yield running
    finally:
        assert running.stop() == 0, running.log


@pytest.fixture(scope="session")
def made_png(server: Running) -> str:
    """The URL of a PNG that the server has made."""
    url: str = server.made(prompt="made once", aspect_ratios_selection="64*64")["result"][0]
    return url


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """72 × 56 pixels without any two alike, so that a shift or a change shows."""
    noise = np.random.default_rng(1).integers(0, 256, (56, 72, 3), dtype=np.uint8)
    return Image.fromarray(noise)


@pytest.fixture(scope="session")
def box_mask() -> Image.Image:
    """White from (20, 16) to (44, 40) on black, the photo's size."""
    mask = Image.new("L", (72, 56))
    mask.paste(255, (20, 16, 44, 40))
    return mask
