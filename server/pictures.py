"""Bytes from anywhere → one kind of picture: upright, 8-bit sRGB, without alpha; masks in grey."""

import io
import struct
import zlib
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageCms, ImageOps

from configs.settings import LIMITS
from masking.errors import TooLarge, UnreadableImage

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
STRIP = 128
"""Rows that are worked on at once where a picture has more than 8 bits."""

OTHER_KINDS: Mapping[str, tuple[bytes, ...]] = {
    "SVG": (b"<svg",),
    "HTML": (b"<!doctype html", b"<html"),
    "PDF": (b"%pdf",),
    "PostScript": (b"%!ps",),
    "a video": (b"\x1ae\xdf\xa3",),
    "an archive": (b"pk\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf"),
}
"""How files begin that people and pages send in place of pictures, in lower case."""

MOST_SCANS = 32
"""Of a progressive JPEG; each goes over all pixels, and programs that save pictures make about ten."""

MOST_SLOW = 1 << 20
"""Bytes of the formats that Pillow decodes in Python: a hundred times slower than others, with everybody waiting."""

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def open_upright(content: bytes, field: str) -> Image.Image:
    """The (first) picture in `content`, turned as its EXIF says, in any mode. Raises UnreadableImage, TooLarge."""
    refuse_at_sight(content, field)
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            check_size(picture.size, field)
            return ImageOps.exif_transpose(picture)
    except BROKEN as error:
        raise UnreadableImage(f"{field} is no picture that can be read: {_reason(error)}.", field=field) from error


def refuse_at_sight(content: bytes, field: str) -> None:
    """Refuse what is no picture, and say what it is instead; and what would take minutes. Raises UnreadableImage."""
    if not content:
        raise UnreadableImage(f"{field} is empty.", field=field)
    head = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for kind, marks in OTHER_KINDS.items():
        if head.startswith(marks) or (kind == "SVG" and head.startswith(b"<?xml") and b"<svg" in head):
            raise UnreadableImage(f"{field} is {kind}; send one of {', '.join(FORMATS)}.", field=field)
    if content.startswith(b"\xff\xd8") and (scans := content.count(b"\xff\xda")) > MOST_SCANS:
        raise UnreadableImage(f"{field} is a JPEG of {scans} scans; at most {MOST_SCANS} are read.", field=field)
    packed_bmp = content.startswith(b"BM") and content[30:31] in (b"\1", b"\2")
    if len(content) > MOST_SLOW and (packed_bmp or content[:2] in (b"P1", b"P2", b"P3")):
        kind = "run-length coded BMP" if packed_bmp else "plain PPM"
        raise UnreadableImage(f"{field} is a {kind} of more than 1 MiB; save it as PNG.", field=field)


def check_size(size: tuple[int, int], field: str) -> None:
    """Refuse what is too large to decode, going by the header alone. Raises TooLarge."""
    width, height = size
    if max(size) > LIMITS.max_side or width * height > LIMITS.max_pixels:
        raise TooLarge(
            f"{field} is {width}×{height}; at most {LIMITS.max_side} a side and "
            f"{LIMITS.max_pixels / 1e6:.0f} megapixels can be taken.",
            field=field,
        )


def as_picture(picture: Image.Image) -> Image.Image:
    """Any mode → RGB: alpha over white, deep channels to 8 bits, an embedded colour profile to sRGB."""
    profile = picture.info.get("icc_profile")
    flat = _over_white(_shallow(picture))
    if profile and flat.mode in ("RGB", "L", "CMYK"):
        flat = _to_srgb(flat, profile)
    return flat.convert("RGB")


def as_mask(picture: Image.Image) -> Image.Image:
    """Any mode → L, 255 = paint here: the mean of the channels, or the first where it is brighter (contract 7.1)."""
    flat = _over_white(_shallow(picture)).convert("RGB")
    channels = np.asarray(flat, dtype=np.uint16)
    mean = (channels.sum(axis=2) + 1) // 3
    return Image.fromarray(np.maximum(mean, channels[..., 0]).astype(np.uint8))


def _shallow(picture: Image.Image) -> Image.Image:
    """Channels deeper than 8 bits → L: 16-bit integers by 257, floats from 0..1 (or 0..255, if any is above 1)."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    deep = np.asarray(picture)
    top, share = deep.max(initial=0), 1.0
    if picture.mode == "F":
        share = 255.0 if top <= 1 else 1.0
    elif picture.mode != "I" or top > 255:
        share = 1 / 257
    flat = np.empty(deep.shape, np.uint8)
    for row in range(0, len(deep), STRIP):  # all at once would be eight bytes a pixel, several times
        part = np.nan_to_num(deep[row : row + STRIP].astype(np.float64) * share)
        flat[row : row + STRIP] = part.round().clip(0, 255)
    return Image.fromarray(flat)


def _over_white(picture: Image.Image) -> Image.Image:
    """The picture as it looks on white paper; palettes are looked up."""
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    return picture.convert("RGB") if picture.mode not in ("L", "CMYK") else picture


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Colours by their embedded profile; one that is sRGB already or cannot be used changes nothing."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return picture
        return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or picture
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture


def _reason(error: BaseException) -> str:
    """Pillow's own words without its memory addresses."""
    text = str(error).split(" <_io")[0].strip().rstrip(".")
    return text or type(error).__name__
