"""Every mode that a picture may come in becomes upright 8-bit RGB, or a grey mask."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from masking.errors import TooLarge, UnreadableImage
from server.pictures import as_mask, as_picture, open_upright


def _sent(picture: Image.Image, form: str = "PNG", **more: Any) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, form, **more)
    return open_upright(buffer.getvalue(), "image")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "LAB"])
def test_any_mode_becomes_rgb(mode: str) -> None:
    grey = Image.new("L", (3, 2), 255)
    picture = Image.new(mode, (3, 2), 65535) if mode in ("I;16", "I") else None
    picture = picture or (Image.new("F", (3, 2), 1.0) if mode == "F" else None)
    picture = picture or (Image.new("LAB", (3, 2), (255, 128, 128)) if mode == "LAB" else grey.convert(mode))
    form = "PNG" if mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "TIFF"
    seen = as_picture(_sent(picture, form))
    assert (seen.mode, seen.size) == ("RGB", (3, 2))
    assert np.asarray(seen).min() >= 250


def test_alpha_is_laid_on_white() -> None:
    half = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    half.putpixel((0, 0), (10, 20, 30, 255))
    seen = as_picture(_sent(half))
    assert seen.getpixel((0, 0)) == (10, 20, 30)
    assert seen.getpixel((1, 1)) == (255, 255, 255)


def test_a_palette_with_a_transparent_colour_is_laid_on_white() -> None:
    picture = Image.new("P", (2, 2), 1)
    picture.putpalette([0, 0, 0, 9, 9, 9])
    seen = as_picture(_sent(picture, transparency=1))
    assert seen.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = _sent(Image.new("RGB", (30, 20)), "JPEG", exif=exif)
    assert seen.size == ((20, 30) if orientation >= 5 else (30, 20))


def test_plain_colours_stay_bit_for_bit_with_and_without_an_srgb_profile() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (None, srgb, b"no profile"):
        np.testing.assert_array_equal(np.asarray(as_picture(_sent(noise, icc_profile=profile))), np.asarray(noise))


def test_another_profile_is_converted_to_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    seen = as_picture(_sent(Image.new("RGB", (2, 2), (120, 60, 30)), icc_profile=lab))
    assert seen.mode == "RGB"


def test_a_mask_is_the_mean_of_its_channels_or_the_first() -> None:
    colours = Image.new("RGB", (3, 1))
    for x, colour in enumerate(((255, 0, 0), (0, 255, 0), (90, 90, 90))):
        colours.putpixel((x, 0), colour)
    mask = as_mask(_sent(colours))
    assert mask.mode == "L"
    assert np.asarray(mask).tolist() == [[255, 85, 90]]


def test_a_mask_of_ones_and_zeros_stays_one() -> None:
    mask = as_mask(_sent(Image.new("1", (4, 4), 1)))
    assert np.asarray(mask).tolist() == [[255] * 4] * 4


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"GIF89a"])
def test_what_is_no_picture_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableImage, match="cover"):
        open_upright(content, "cover")


def test_a_cut_off_picture_is_unreadable() -> None:
    buffer = io.BytesIO()
    Image.effect_noise((99, 99), 50).save(buffer, "PNG")
    with pytest.raises(UnreadableImage):
        open_upright(buffer.getvalue()[:3000], "image")


def test_a_side_too_long_is_too_large() -> None:
    with pytest.raises(TooLarge, match="9000×1"):
        _sent(Image.new("1", (9000, 1)))
