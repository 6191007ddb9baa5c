"""Names from outside that become paths: only plain names, and only inside their own folder."""

import re
from pathlib import Path

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
PICTURE = re.compile(r"[^./\\:\x00-\x1f][^/\\:\x00-\x1f]*\.(png|jpg|jpeg|webp)", re.IGNORECASE)


def day_folder(root: Path, day: str) -> Path | None:
    """The folder of one day ("2026-11-21") under `root`; None when there is none or it leads out of `root`."""
    return _inside(root, root / day) if DAY.fullmatch(day) and (root / day).is_dir() else None


def picture_file(folder: Path, root: Path, name: str) -> Path | None:
    """An existing picture called `name` in `folder`; None when the name is no picture's or leads out of `root`."""
    if not PICTURE.fullmatch(name):
        return None
    path = folder / name
    return _inside(root, path) if path.is_file() else None


def _inside(root: Path, path: Path) -> Path | None:
    """`path`, unless a link takes it out of `root`."""
    return path if path.resolve().is_relative_to(root.resolve()) else None
