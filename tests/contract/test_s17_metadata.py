"""Section 17: how the files are coded that carry the metadata."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.server.running import Running


@pytest.mark.contract("17/jpeg", "4/output_format")
@pytest.mark.parametrize("named", ["jpeg", "jpg"])
def test_a_jpeg_is_progressive_and_of_quality_95(server: Running, named: str) -> None:
    picture = server.picture(server.made(output_format=named)["result"][0])
    same = io.BytesIO()
    picture.convert("RGB").save(same, "JPEG", quality=95)
    assert picture.info["progressive"]
    assert picture.quantization == Image.open(same).quantization  # type: ignore[attr-defined]


@pytest.mark.contract("17/webp")
def test_a_webp_is_lossy_and_close_to_what_was_made(server: Running) -> None:
    same = {"image_seed": 3, "deterministic": True}
    sent = server.client.get(server.made(**same, output_format="webp")["result"][0]).content
    exact = server.picture(server.made(**same)["result"][0])
    again = io.BytesIO()
    exact.save(again, "WEBP", quality=95)
    assert sent[:4] == b"RIFF"
    assert b"VP8L" not in sent
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(sent))), np.asarray(Image.open(again)))
