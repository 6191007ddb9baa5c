"""Texts inside picture files: how they get in, and how they are found again, also in files of other programs.

PNG: text chunks `parameters`, `fooocus_scheme` and `gesso`. JPEG and WEBP: EXIF. Fooocus looks for its text and scheme
under the numbers of UserComment and MakerNote in the first directory; others, as the standard has it, for a UserComment
in the Exif directory, where the MakerNote is for whatever the maker likes: there lies Gesso's own text.
"""

from dataclasses import dataclass, replace

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from server.metadata import VERSION
from server.pictures import BROKEN

EXIF_DIRECTORY = 0x8769
USER_COMMENT = 0x9286
MAKER_NOTE = 0x927C
SOFTWARE = 0x0131
MOST_EXIF = 65_533
"""Bytes: a JPEG has no room for more."""
OWN_HEAD = b"gesso\0"
ENCODINGS = {b"ASCII\0\0\0": "latin-1", b"UNICODE\0": "utf-16-be", b"\0" * 8: "utf-8"}
"""What a UserComment begins with, and what that means."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What a file tells: a text in some scheme's form, that scheme ("" where not said), and Gesso's own JSON."""

    parameters: str = ""
    scheme: str = ""
    own: str = ""


def png_chunks(texts: Texts) -> PngInfo:
    """The text chunks; those that Latin-1 cannot hold are international ones, as Pillow reads and writes them."""
    chunks = PngInfo()
    for name, text in (("parameters", texts.parameters), ("fooocus_scheme", texts.scheme), ("gesso", texts.own)):
        if text:
            chunks.add_text(name, text)
    return chunks


def exif(texts: Texts) -> Image.Exif:
    """The EXIF of a JPEG or WEBP."""
    tags = Image.Exif()
    if texts == Texts():
        return tags
    own = tags.get_ifd(EXIF_DIRECTORY)
    if texts.parameters:
        tags[SOFTWARE] = VERSION
        tags[USER_COMMENT] = texts.parameters  # ASCII; whoever reads it here cannot read anything else
        tags[MAKER_NOTE] = texts.scheme
        own[USER_COMMENT] = _comment(texts.parameters)
    if texts.own:
        own[MAKER_NOTE] = OWN_HEAD + texts.own.encode()
    return tags


def fitting_jpeg(texts: Texts) -> Texts:
    """As much as a JPEG has room for: everything, or Gesso's own text, which tells the most, or nothing."""
    for fewer in (texts, replace(texts, parameters="", scheme="")):
        if len(exif(fewer).tobytes()) <= MOST_EXIF:
            return fewer
    return Texts()


def find(picture: Image.Image) -> Texts:
    """The texts in an open picture; empty ones where there are none, or only broken ones."""
    told = {name: str(value) for name, value in picture.info.items() if isinstance(value, str)}
    texts = Texts(
        parameters=told.get("parameters", ""), scheme=told.get("fooocus_scheme", ""), own=told.get("gesso", "")
    )
    if texts != Texts():
        return texts
    try:
        return _find_in_exif(picture.getexif())
    except BROKEN:
        return Texts()


def _find_in_exif(tags: Image.Exif) -> Texts:
    own = tags.get_ifd(EXIF_DIRECTORY)
    note = own.get(MAKER_NOTE)
    made_here = isinstance(note, bytes) and note.startswith(OWN_HEAD)
    return Texts(
        parameters=_text(own.get(USER_COMMENT)) or _text(tags.get(USER_COMMENT)),
        scheme=_text(tags.get(MAKER_NOTE)),
        own=bytes(note).removeprefix(OWN_HEAD).decode(errors="replace") if note and made_here else "",
    )


def _comment(text: str) -> bytes:
    """A UserComment: eight bytes that name the encoding, and the text in it."""
    return b"ASCII\0\0\0" + text.encode() if text.isascii() else b"UNICODE\0" + text.encode("utf-16-be", "replace")


def _text(value: object) -> str:
    """A tag's text, whichever way it is written."""
    if isinstance(value, bytes):
        encoding = ENCODINGS.get(value[:8])
        value = value[8:].decode(encoding, "replace") if encoding else value.decode(errors="replace")
    return value.strip("\0 ") if isinstance(value, str) else ""
