"""Section 11: the categories of clothes."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running, as_text
from tests.toy_masks import cloth_finder

MASK = "/v1/tools/generate_mask"


@pytest.fixture
def clothes(toy_models: Path) -> Iterator[str]:
    """A model under rembg's name that takes red for upper clothes, green for lower ones and blue for full ones."""
    file = toy_models / "rembg" / "u2net_cloth_seg.onnx"
    before = file.read_bytes() if file.exists() else None
    cloth_finder(file)
    yield file.stem
    file.unlink()
    if before is not None:
        file.write_bytes(before)


@pytest.mark.contract("11/cloth_category", "11/mask_model")
@pytest.mark.parametrize(("category", "place"), [("upper", 0), ("lower", 1), ("full", 2)])
def test_a_category_of_clothes_is_all_that_its_mask_shows(
    server: Running, clothes: str, category: str, place: int
) -> None:
    picture = Image.new("RGB", (72, 56))
    for number, colour in enumerate(("red", "lime", "blue")):
        picture.paste(colour, (4 + 24 * number, 8, 20 + 24 * number, 40))
    body = {"image": as_text(picture), "mask_model": clothes, "cloth_category": category}
    answer = server.client.post(MASK, json=body)
    assert answer.status_code == 200, answer.text
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer.json()))))
    assert seen.shape == (56, 72)
    shown = [bool(seen[16:32, 8 + 24 * number : 16 + 24 * number].mean() > 128) for number in range(3)]
    assert shown == [number == place for number in range(3)]
    assert json.loads(answer.headers["x-gesso-effective-params"])["cloth_category"] == category
    usual = server.client.post(MASK, json=body | {"cloth_category": "full"}).json()
    assert (answer.json() == usual) == (category == "full")
