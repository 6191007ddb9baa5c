"""A file that has come in part: it lies beside its place under a name that no model has, with a note of whose it is."""

import hashlib
import json
import os
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

LONGEST_HEADER = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a host says of a file. total: its bytes, None if it does not say. sha256: "" where nobody knows.

    validator: its strong ETag, or else its date; "" where there is neither, and nothing can be gone on with.
    """

    url: str
    total: int | None
    validator: str
    sha256: str


class Partial:
    """`<name>.partial`, and in `<name>.partial.json` the offer that it is of. All methods block."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.path = place.with_name(f"{place.name}.partial")
        self._note = place.with_name(f"{place.name}.partial.json")

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def offer(self, url: str) -> Offer | None:
        """Of what it is a part; None where it is none of that URL's file."""
        try:
            told = Offer(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return told if told.url == url and self.path.is_file() else None

    def had(self, url: str) -> int:
        """Bytes that need not come again."""
        told = self.offer(url)
        return self.size if told and (told.validator or told.total == self.size) else 0

    def begin(self, offer: Offer) -> None:
        """Nothing is there yet; from now on it is of that offer."""
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self._note.write_text(json.dumps(asdict(offer)), encoding="utf-8")
        self.path.touch()

    def append(self) -> BinaryIO:
        """To write what comes next."""
        return self.path.open("ab")

    def sha256(self) -> str:
        """Of what is there, in hexadecimal digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def is_plausible(self) -> bool:
        """False for a safetensors file whose own table of contents says that it is longer or shorter."""
        if self.place.suffix != ".safetensors":
            return True
        try:
            with self.path.open("rb") as file:
                length = struct.unpack("<Q", file.read(8))[0]
                table = json.loads(file.read(min(length, LONGEST_HEADER)))
            ends = [told["data_offsets"][1] for name, told in table.items() if name != "__metadata__"]
            return bool(self.size == 8 + length + max(ends, default=0))
        except (OSError, ValueError, struct.error, LookupError, TypeError, AttributeError):
            return False

    def finish(self) -> None:
        """It is whole: from now on it is there. Not before it is on the disk."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(self.path, self.place)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Throw away what is there."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
