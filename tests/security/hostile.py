"""Hostile pictures: each is made here, with what has to come of it.

What is refused names `words` of the refusal; what is taken has `size` and, where that is told, `colour` at its middle.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

RED, GREEN, WHITE, BLACK = (220, 30, 40), (20, 200, 60), (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """words: None where the picture is taken. near: by how much each channel may differ. payload: must not be kept."""

    name: str
    make: Callable[[], bytes]
    words: str | None = None
    status: int = 422
    size: tuple[int, int] = (40, 24)
    colour: tuple[int, int, int] | None = None
    near: int = 6
    payload: bytes = b""
    head: str = ""


def everything() -> list[Hostile]:
    """All of them, each under its own name."""
    return [*_bombs(), *_broken(), *_modes(), *_profiles(), *_exif(), *_other_kinds(), *_polyglots(), *_odd_texts()]


def picture(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (40, 24)) -> Image.Image:
    return Image.new("RGB", size, colour)


def file(image: Image.Image, form: str = "PNG", **more: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **more)
    return buffer.getvalue()


def noise(size: tuple[int, int] = (200, 160)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *, depth: int = 8, colour: int = 2, rows: bytes = b"", extra: bytes = b"") -> bytes:
    """A PNG of these very parts; colour 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def plain_png(extra: bytes) -> bytes:
    """A red picture with chunks before its pixels."""
    return png(40, 24, rows=(b"\0" + bytes(RED) * 40) * 24, extra=extra)


def tiff(*tags: tuple[int, int, int, int], data: bytes = b"", following: int = 0) -> bytes:
    """A TIFF of one directory (tag, type, count, value), its data at offset 1000."""
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return (struct.pack("<2sHI", b"II", 42, 8) + directory + struct.pack("<I", following)).ljust(1000, b"\0") + data


def plain_tiff(width: int = 40, height: int = 24, *, compression: int = 1, data: bytes | None = None,
               following: int = 0) -> bytes:  # fmt: skip
    rows = bytes([200]) * (40 * 24) if data is None else data
    return tiff((256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 1),
                (273, 4, 1, 1000), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, len(rows)),
                data=rows, following=following)  # fmt: skip


def with_exif(content: bytes) -> bytes:
    """A red JPEG with these bytes for EXIF."""
    jpeg = file(picture(), "JPEG", quality=95)
    segment = b"Exif\0\0" + content
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def exif(*tags: tuple[int, int, int, bytes], following: int = 0) -> bytes:
    """An EXIF directory: tag, type, count, four bytes."""
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHI", *tag[:3]) + tag[3].ljust(4, b"\0") for tag in tags)
    return struct.pack("<2sHI", b"II", 42, 8) + directory + struct.pack("<I", following)


def _bombs() -> Iterator[Hostile]:
    big = "100000×100000"
    yield Hostile(
        name="PNG of 67 megapixels", make=lambda: png(8190, 8190, depth=1, colour=0), words="8190×8190", status=413
    )
    yield Hostile(name="PNG that claims 10 gigapixels", make=lambda: png(100000, 100000), words=big, status=413)
    yield Hostile(
        name="PNG that claims 2³¹−1 a side", make=lambda: png(2**31 - 1, 2**31 - 1), words="2147483647", status=413
    )
    yield Hostile(name="PNG too long", make=lambda: png(9000, 1), words="9000×1", status=413)
    yield Hostile(name="PNG too high", make=lambda: png(1, 8193), words="1×8193", status=413)
    yield Hostile(
        name="GIF that claims 65535²",
        make=lambda: b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\x08\0;",
        words="65535×65535",
        status=413,
    )
    yield Hostile(
        name="BMP that claims 30000²",
        make=lambda: (
            b"BM" + struct.pack("<IHHIIiiHHIIiiII", 58, 0, 0, 54, 40, 30000, 30000, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(4)
        ),
        words="30000×30000",
        status=413,
    )
    yield Hostile(
        name="TIFF that claims 70000²", make=lambda: plain_tiff(70000, 70000), words="70000×70000", status=413
    )
    yield Hostile(name="WEBP that claims 16383²", make=_webp_claiming_much, words="no picture that can be read")
    yield Hostile(name="JPEG that claims 65500²", make=_jpeg_claiming_much, words="65500×65500", status=413)
    yield Hostile(
        name="PPM that claims 99999²", make=lambda: b"P6 99999 99999 255\n\0\0\0", words="99999×99999", status=413
    )
    yield Hostile(name="AVIF that claims 60000²", make=_avif_claiming_much, words="no picture that can be read")
    yield Hostile(
        name="PNG with 200 MiB of text, packed",
        make=lambda: plain_png(chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(200 << 20)))),
        words="too large",
    )
    yield Hostile(
        name="PNG with a profile of 200 MiB, packed",
        make=lambda: plain_png(chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(200 << 20)))),
        words="too large",
    )
    yield Hostile(
        name="PNG with 80 MiB in many texts",
        make=lambda: plain_png(chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1 << 20))) * 80),
        words="text",
    )
    yield Hostile(name="PNG with 20000 chunks", make=lambda: plain_png(chunk(b"abCd", b"") * 20000), colour=RED)
    yield Hostile(
        name="PNG whose pixels unpack to 200 MiB",
        make=lambda: png(40, 24, rows=(b"\0" + bytes(RED) * 40) * 24 + bytes(200 << 20)),
        colour=RED,
    )
    yield Hostile(
        name="TIFF whose strip unpacks to 200 MiB",
        make=lambda: plain_tiff(compression=8, data=zlib.compress(bytes(200 << 20))),
        colour=BLACK,
    )
    yield Hostile(name="JPEG with 2000 scans", make=_jpeg_of_many_scans, words="scans")
    yield Hostile(name="plain PPM of 2 MiB", make=lambda: b"P3 900 900 255\n" + b"9 " * (1 << 20), words="plain PPM")
    yield Hostile(name="run-length coded BMP of 2 MiB", make=_long_bmp, words="run-length")
    yield Hostile(name="GIF of 1000 frames", make=lambda: _frames("GIF", 1000), colour=RED, near=40)
    yield Hostile(name="APNG of 200 frames", make=lambda: _frames("PNG", 200), colour=RED)
    yield Hostile(name="animated WEBP", make=lambda: _frames("WEBP", 20), colour=RED, near=20)
    yield Hostile(name="TIFF of 200 pages", make=lambda: _frames("TIFF", 200), colour=RED)
    yield Hostile(
        name="TIFF whose directories go in a circle", make=lambda: plain_tiff(following=8), colour=(200, 200, 200)
    )


def _long_bmp() -> bytes:
    head = struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 1078, 40, 8000, 8000, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + head + bytes(1024) + b"\1\5" * (1 << 20)


def _frames(form: str, count: int) -> bytes:
    others = [picture((index % 256, index // 256, 90)) for index in range(count - 1)]
    return file(picture(), form, save_all=True, append_images=others)


def _webp_claiming_much() -> bytes:
    small = file(picture(), "WEBP", lossless=True)[12:]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + (16383).to_bytes(3, "little") * 2 + small
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _jpeg_claiming_much() -> bytes:
    jpeg = file(picture(), "JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", 65500, 65500) + jpeg[at + 4 :]


def _avif_claiming_much() -> bytes:
    avif = file(picture(), "AVIF")
    at = avif.index(b"ispe") + 8
    return avif[:at] + struct.pack(">II", 60000, 60000) + avif[at + 8 :]


def _jpeg_of_many_scans() -> bytes:
    jpeg = file(noise(), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * 2000 + b"\xff\xd9"


def _broken() -> Iterator[Hostile]:
    for form in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"):
        yield Hostile(
            name=f"{form} cut in half",
            make=partial(_half_of, form),
            words="no picture that can be read",
        )
        yield Hostile(
            name=f"{form} cut after 20 bytes",
            make=partial(_head_of, form),
            words="no picture that can be read",
        )
    yield Hostile(name="PNG of width zero", make=lambda: png(0, 24), words="no picture that can be read")
    yield Hostile(name="PNG without pixels", make=lambda: png(40, 24), words="no picture that can be read")
    yield Hostile(
        name="PNG with a wrong checksum in its head",
        make=lambda: file(picture()).replace(b"IHDR\0", b"IHDR\1", 1),
        words="no picture that can be read",
    )
    yield Hostile(
        name="PNG with a broken stream",
        make=lambda: plain_png(b"").replace(zlib.compress((b"\0" + bytes(RED) * 40) * 24)[:12], b"\0" * 12),
        words="no picture that can be read",
    )
    yield Hostile(name="PNG without an end", make=lambda: file(picture())[:-12], colour=RED)
    yield Hostile(
        name="PNG of a depth that is none", make=lambda: png(40, 24, depth=7), words="no picture that can be read"
    )
    yield Hostile(
        name="JPEG without tables",
        make=lambda: file(picture(), "JPEG").replace(b"\xff\xdb", b"\xff\xec"),
        words="no picture that can be read",
    )
    yield Hostile(
        name="WEBP of no known kind",
        make=lambda: b"RIFF\x20\0\0\0WEBPVP9 " + bytes(24),
        words="no picture that can be read",
    )


def _half_of(form: str) -> bytes:
    content = file(noise(), form)
    return content[: len(content) // 2]


def _head_of(form: str) -> bytes:
    return file(noise(), form)[:20]


def _with(code: bytes, form: str) -> bytes:
    return file(picture(), form) + code


def _modes() -> Iterator[Hostile]:
    yield Hostile(name="CMYK JPEG", make=lambda: file(picture().convert("CMYK"), "JPEG", quality=95), colour=RED)
    yield Hostile(name="CMYK TIFF", make=lambda: file(picture().convert("CMYK"), "TIFF"), colour=RED)
    yield Hostile(
        name="YCbCr TIFF", make=lambda: file(picture().convert("YCbCr"), "TIFF", compression="jpeg"), colour=RED
    )
    yield Hostile(name="LAB TIFF", make=lambda: file(Image.new("LAB", (40, 24), (255, 128, 128)), "TIFF"), colour=WHITE)
    yield Hostile(name="grey JPEG", make=lambda: file(picture().convert("L"), "JPEG"), size=(40, 24))
    yield Hostile(
        name="grey PNG of 16 bits", make=lambda: file(Image.new("I;16", (40, 24), 40000)), colour=(156, 156, 156)
    )
    yield Hostile(
        name="RGB PNG of 16 bits",
        make=lambda: png(40, 24, depth=16, rows=(b"\0" + struct.pack(">HHH", 56540, 7710, 10280) * 40) * 24),
        colour=RED,
    )
    yield Hostile(
        name="grey and alpha PNG of 16 bits",
        make=lambda: png(40, 24, depth=16, colour=4, rows=(b"\0" + bytes(4) * 40) * 24),
        colour=WHITE,
    )
    yield Hostile(name="PNG of 1 bit", make=lambda: file(Image.new("1", (40, 24), 1)), colour=WHITE)
    yield Hostile(
        name="palette PNG of 2 bits",
        make=lambda: png(
            40, 24, depth=2, colour=3, rows=(b"\0" + b"\x55" * 10) * 24, extra=chunk(b"PLTE", bytes(GREEN + RED))
        ),
        colour=RED,
    )
    yield Hostile(
        name="palette PNG whose pixels are beyond its palette",
        make=lambda: png(40, 24, colour=3, rows=(b"\0" + b"\xc8" * 40) * 24, extra=chunk(b"PLTE", bytes(GREEN + RED))),
        size=(40, 24),
    )
    yield Hostile(
        name="palette PNG without a palette",
        make=lambda: png(40, 24, colour=3, rows=(b"\0" + bytes(40)) * 24),
        size=(40, 24),
    )
    yield Hostile(
        name="palette PNG with a clear colour",
        make=lambda: png(
            40, 24, colour=3, rows=(b"\0" + bytes(40)) * 24, extra=chunk(b"PLTE", bytes(RED)) + chunk(b"tRNS", b"\0")
        ),
        colour=WHITE,
    )
    yield Hostile(
        name="RGB PNG with a clear colour",
        make=lambda: plain_png(chunk(b"tRNS", struct.pack(">HHH", *RED))),
        colour=WHITE,
    )
    yield Hostile(name="PNG all clear", make=lambda: file(Image.new("RGBA", (40, 24), (*RED, 0))), colour=WHITE)
    yield Hostile(
        name="GIF with a clear colour",
        make=lambda: file(Image.new("P", (40, 24), 0), "GIF", transparency=0),
        colour=WHITE,
    )
    yield Hostile(
        name="WEBP half clear",
        make=lambda: file(Image.new("RGBA", (40, 24), (0, 0, 0, 128)), "WEBP", lossless=True),
        colour=(127, 127, 127),
    )
    yield Hostile(
        name="TIFF of 32-bit numbers", make=lambda: file(Image.new("I", (40, 24), 70000), "TIFF"), colour=WHITE
    )
    yield Hostile(
        name="TIFF of negative numbers", make=lambda: file(Image.new("I", (40, 24), -70000), "TIFF"), colour=BLACK
    )
    yield Hostile(
        name="TIFF of no numbers at all",
        make=lambda: file(Image.new("F", (40, 24), float("nan")), "TIFF"),
        colour=BLACK,
    )
    yield Hostile(
        name="TIFF of infinite numbers",
        make=lambda: file(Image.new("F", (40, 24), float("inf")), "TIFF"),
        size=(40, 24),
    )
    yield Hostile(
        name="interlaced GIF", make=lambda: file(picture().convert("P"), "GIF", interlace=True), colour=RED, near=40
    )
    yield Hostile(
        name="progressive JPEG", make=lambda: file(picture(), "JPEG", progressive=True, quality=95), colour=RED
    )
    yield Hostile(name="lossless WEBP", make=lambda: file(picture(), "WEBP", lossless=True), colour=RED)
    yield Hostile(name="AVIF", make=lambda: file(picture(), "AVIF", quality=95), colour=RED)
    yield Hostile(name="BMP upside down", make=lambda: file(picture(), "BMP"), colour=RED)
    yield Hostile(name="plain PPM", make=lambda: b"P3 40 24 255\n" + b"220 30 40 " * 960, colour=RED)
    yield Hostile(name="one pixel", make=lambda: file(picture(size=(1, 1))), size=(1, 1), colour=RED)


def _profiles() -> Iterator[Hostile]:
    right = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    space = bytearray(right)
    space[16:20] = b"CMYK"
    grey = bytearray(right)
    grey[16:20] = b"GRAY"
    for name, profile in (
        ("that is none", b"no profile"),
        ("cut short", right[:100]),
        ("for four inks", bytes(space)),
        ("for grey", bytes(grey)),
        ("of zeros", bytes(400)),
        ("of the right size and no sense", right[:128] + bytes(len(right) - 128)),
        ("of 2 MiB", right + bytes(2 << 20)),
    ):
        yield Hostile(
            name=f"JPEG with a profile {name}",
            make=partial(file, picture(), "JPEG", quality=95, icc_profile=profile),
            colour=RED,
        )
    yield Hostile(name="PNG with the sRGB profile", make=lambda: file(picture(), icc_profile=right), colour=RED, near=0)


def _exif() -> Iterator[Hostile]:
    def turned(value: int) -> bytes:
        return exif((0x0112, 3, 1, struct.pack("<H", value)))

    yield Hostile(name="JPEG on its side by EXIF", make=lambda: with_exif(turned(6)), size=(24, 40), colour=RED)
    yield Hostile(
        name="PNG on its side by EXIF",
        make=lambda: file(picture(), exif=b"Exif\0\0" + turned(8)),
        size=(24, 40),
        colour=RED,
    )
    yield Hostile(
        name="WEBP on its side by EXIF",
        make=lambda: file(picture(), "WEBP", lossless=True, exif=turned(6)),
        size=(24, 40),
        colour=RED,
    )
    for name, content in (
        ("of an orientation that is none", turned(99)),
        ("of orientation 0", turned(0)),
        ("whose orientation is a word", exif((0x0112, 2, 4, b"six\0"))),
        ("whose orientation are many", exif((0x0112, 3, 1 << 30, b"\0\0\0\0"))),
        ("cut short", turned(6)[:12]),
        ("that is none", b"nothing of the kind"),
        ("that is empty", b""),
        ("in a circle", exif((0x8769, 4, 1, struct.pack("<I", 8)), following=8)),
        ("that points beyond its end", exif((0x8769, 4, 1, b"\xff\xff\xff\x7f"))),
        ("of a type that is none", exif((0x0112, 99, 1, b"\6\0"))),
        ("with a fraction through zero", exif((0x011A, 5, 1, struct.pack("<I", 26))) + bytes(8)),
    ):
        yield Hostile(name=f"JPEG with EXIF {name}", make=partial(with_exif, content), colour=RED)


def _other_kinds() -> Iterator[Hostile]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    entity = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
    none = "no picture that can be read"
    packed = zlib.compressobj(wbits=31)
    svgz = packed.compress(svg) + packed.flush()
    for name, content, words in (
        ("SVG", svg, "SVG"),
        ("SVG with a mark and spaces before it", b"\xef\xbb\xbf \n" + svg, "SVG"),
        ("SVG that reads a file", entity, "SVG"),
        ("SVG, packed", svgz, "an archive"),
        ("HTML", b"<!DOCTYPE html><script>alert(1)</script>", "HTML"),
        ("PDF", b"%PDF-1.7\n1 0 obj", "PDF"),
        ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file", "PostScript"),
        ("spaces", b" \n\t ", none),
        ("text", b"a red ball on a meadow", none),
        ("JSON", b'{"image": ""}', none),
        ("ZIP", b"PK\x03\x04" + bytes(40), "an archive"),
        ("video", b"\x1aE\xdf\xa3" + bytes(40), "a video"),
        ("program", b"\x7fELF" + bytes(40), none),
        ("zeros", bytes(5000), none),
        ("WMF", b"\xd7\xcd\xc6\x9a" + bytes(40), none),
        ("PCX", b"\x0a\x05\x01\x08" + bytes(200), none),
        ("FLI", struct.pack("<IHHHH", 200, 0xAF11, 1, 8, 8) + bytes(200), none),
    ):
        yield Hostile(name=name, make=partial(bytes, content), words=words)
    for form in ("ICO", "PDF", "EPS", "DDS", "TGA", "SGI", "ICNS", "JPEG2000", "PCX", "IM"):
        words = {"PDF": "PDF", "EPS": "PostScript"}.get(form, none)
        yield Hostile(name=f"{form} made by Pillow", make=partial(file, picture(size=(32, 32)), form), words=words)


def _polyglots() -> Iterator[Hostile]:
    code = b"<script>alert(document.domain)</script><?php system($_GET[0]); ?>"
    told = PngInfo()
    told.add_text("Comment", code.decode())
    yield Hostile(
        name="PNG with code in its text", make=lambda: file(picture(), pnginfo=told), colour=RED, payload=code
    )
    for form in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        yield Hostile(
            name=f"{form} with code after it",
            make=partial(_with, code, form),
            colour=RED,
            near=40,
            payload=code,
        )
    yield Hostile(
        name="JPEG with code in a remark",
        make=lambda: file(picture(), "JPEG", quality=95, comment=code),
        colour=RED,
        payload=code,
    )
    yield Hostile(
        name="GIF with code in a remark",
        make=lambda: file(picture(), "GIF", comment=code),
        colour=RED,
        near=40,
        payload=code,
    )
    yield Hostile(
        name="PNG and ZIP in one",
        make=lambda: file(picture()) + b"PK\x05\x06" + bytes(18),
        colour=RED,
        payload=b"PK\x05\x06",
    )
    yield Hostile(name="PDF and JPEG in one", make=lambda: b"%PDF-1.4\n" + file(picture(), "JPEG"), words="PDF")
    yield Hostile(name="HTML and GIF in one", make=lambda: b"<html>" + file(picture(), "GIF"), words="HTML")
    yield Hostile(
        name="JPEG after a JPEG",
        make=lambda: file(picture(), "JPEG", quality=95) + file(picture(GREEN), "JPEG"),
        colour=RED,
    )


def _odd_texts() -> Iterator[Hostile]:
    yield Hostile(name="no bytes", make=bytes, words="empty", head="data:image/png;base64,")
    for head in (
        "data:image/jpeg;base64,",
        "data:image/svg+xml;base64,",
        "data:text/html;charset=utf-8;base64,",
        "data:,",
    ):
        yield Hostile(name=f"PNG that says {head}", make=lambda: file(picture()), head=head, colour=RED)
