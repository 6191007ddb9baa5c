"""Toys of every kind of mask model in the session server's models folder, photographs, and what answers hold."""

import base64
import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import skimage
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests import toy_detectors, toy_segmenters
from tests.server.running import Running, as_text

MASK = "/v1/tools/generate_mask"
EVERYTHING = "/v1/tools/segment_everything"
PHOTOGRAPHS = Path(skimage.__file__).parent / "data"
BOXES = [[20.0, 30.0, 120.0, 110.0], [60.0, 10.0, 199.0, 140.0]]


@pytest.fixture(scope="session")
def zoo(toy_models: Path) -> Path:
    """Models are looked for at every request, so they may come while the server runs."""
    toy_segmenters.original_sam(toy_models / "sam" / "sam_vit_b_01ec64.pth")
    toy_segmenters.sam(toy_models / "sam" / "gesso-sam")
    toy_segmenters.sam(toy_models / "sam" / "high-quality", quality=True)
    toy_segmenters.sam2(toy_models / "sam" / "second")
    toy_segmenters.sam3(toy_models / "sam" / "third")
    toy_detectors.grounding_dino(toy_models / "grounding_dino" / "gesso-dino")
    return toy_models


def photograph(name: str, width: int = 200, height: int = 150) -> Image.Image:
    """One that scikit-image ships, RGB, in a handy size."""
    with Image.open(PHOTOGRAPHS / name) as file:
        return file.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def posted(server: Running, picture: Image.Image, **fields: Any) -> httpx.Response:
    return server.client.post(MASK, json={"image": as_text(picture)} | fields)


def detailed(server: Running, picture: Image.Image, **fields: Any) -> dict[str, Any]:
    """The answer in full, which must be a good one."""
    answer = posted(server, picture, detail=True, **fields)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def opened(text: str) -> Image.Image:
    """The picture in a base64 text."""
    return Image.open(io.BytesIO(base64.b64decode(text)))


def bits(text: str) -> NDArray[np.bool_]:
    """The picture in a base64 text as rows × columns of bool."""
    return np.asarray(opened(text).convert("L")) > 127


def tidied(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Holes below 400 pixels closed; islands below 400 pixels and a tenth of the largest dropped."""
    near = np.ones((3, 3))
    labels, count = ndimage.label(~mask, near)
    edge = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    holes = [i for i in range(1, count + 1) if i not in edge and (labels == i).sum() < 400]
    mask = mask | np.isin(labels, holes)
    labels, count = ndimage.label(mask, near)
    areas = [int((labels == i).sum()) for i in range(1, count + 1)]
    keep = [i + 1 for i, area in enumerate(areas) if area >= 400 or area * 10 >= max(areas)]
    return np.isin(labels, keep)
