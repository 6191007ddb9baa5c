"""Names from outside that become paths: only plain names, and only inside their own folder."""

import os
import re
from pathlib import Path

CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
"""Characters that are no part of any name: they end lines, or turn the direction of what is read."""

PLAIN = re.compile(rf"[^./\\:*?\"<>|{CONTROLS}][^/\\:*?\"<>|{CONTROLS}]*")
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?", re.IGNORECASE)
"""What Windows takes for a device in every folder, whatever stands behind the dot."""

LONGEST_NAME = 255
"""Bytes; the most that file systems take."""

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
PICTURE = re.compile(r"[^./\\:\x00-\x1f][^/\\:\x00-\x1f]*\.(png|jpg|jpeg|webp)", re.IGNORECASE)


def is_plain(name: str, longest: int = LONGEST_NAME) -> bool:
    """Whether a file can be called this on every system, inside whatever folder: no path, no device, nothing hidden."""
    return PLAIN.fullmatch(name) is not None and not DEVICE.fullmatch(name) and len(name.encode()) <= longest


def day_folder(root: Path, day: str) -> Path | None:
    """The folder of one day ("2026-11-21") under `root`; None when there is none or it leads out of `root`."""
    return _inside(root, root / day) if DAY.fullmatch(day) and (root / day).is_dir() else None


def picture_file(folder: Path, root: Path, name: str) -> Path | None:
    """An existing picture called `name` in `folder`; None when the name is no picture's or leads out of `root`."""
    if not PICTURE.fullmatch(name) or DEVICE.fullmatch(name) or len(os.fsencode(name)) > LONGEST_NAME:
        return None
    path = folder / name
    return _inside(root, path) if path.is_file() else None


def _inside(root: Path, path: Path) -> Path | None:
    """`path`, unless a link takes it out of `root`."""
    return path if path.resolve().is_relative_to(root.resolve()) else None
