"""PNG files hold the very pixels, whatever is in them, and are read by others."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines import png

RNG = np.random.default_rng(3)
NOISE = RNG.integers(0, 256, (61, 83, 3), dtype=np.uint8)
SLOPE = np.broadcast_to(np.arange(83, dtype=np.uint8)[None, :, None] * 3, (61, 83, 3))
FLAT = np.full((61, 83, 3), (12, 200, 255), np.uint8)
MIXED = np.concatenate([NOISE, SLOPE, FLAT])


@pytest.mark.parametrize("pixels", [NOISE, SLOPE, FLAT, MIXED, MIXED.transpose(1, 0, 2), np.zeros_like(NOISE)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [None, (1, 1), (1, 61), (83, 1), (2, 33), (32, 32)])
def test_what_is_read_back_is_what_was_written(pixels, mode, size):
    picture = Image.fromarray(np.ascontiguousarray(pixels)).convert(mode)
    picture = picture.crop((0, 0, *size)) if size else picture
    file = png.encode(picture)
    with Image.open(io.BytesIO(file)) as read:
        assert (read.format, read.mode, read.size) == ("PNG", mode, picture.size)
        np.testing.assert_array_equal(np.asarray(read), np.asarray(picture))
    decoded = np.asarray(cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED))
    np.testing.assert_array_equal(decoded[..., ::-1] if mode == "RGB" else decoded, np.asarray(picture))


@pytest.mark.parametrize("pixels", [SLOPE, SLOPE.transpose(1, 0, 2)])
def test_the_filter_suits_the_picture(pixels):
    assert len(png.encode(Image.fromarray(np.ascontiguousarray(pixels)))) < 1000


def test_flat_pictures_stay_small_files():
    picture = Image.fromarray(np.tile(FLAT, (16, 12, 1)))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    assert len(png.encode(picture)) < 3 * len(buffer.getvalue())


def test_texts_go_with_it():
    chunks = PngInfo()
    chunks.add_text("parameters", "a red ball")
    chunks.add_text("gesso", "ein Stück – 球")
    with Image.open(io.BytesIO(png.encode(Image.fromarray(NOISE), chunks))) as read:
        assert read.info == {"parameters": "a red ball", "gesso": "ein Stück – 球"}
