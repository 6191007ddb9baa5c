"""Model files by their content: the short sha256 under which other programs know them."""

import hashlib
import json
import threading
from pathlib import Path

from server.outputs import write

DIGITS = 10
CHUNK = 1 << 22


class Hashes:
    """Digests that are worked out once per file and kept in `<outputs>/.hashes.json`. Safe to use from threads."""

    def __init__(self, outputs: Path) -> None:
        self._kept = outputs / ".hashes.json"
        self._known: dict[str, str] | None = None
        self._turn = threading.Lock()

    def of(self, path: Path) -> str:
        """The first ten hexadecimal digits of a file's sha256; of a folder's weights together; "" if there are none.

        A file that has changed its size or time is read again.
        """
        with self._turn:
            try:
                return self._digest(path)
            except OSError:
                return ""

    def forget_changed(self) -> int:
        """Let go of what is known of files that are gone or have changed; of how many models that was."""
        with self._turn:
            known = self._read()
            self._known = {key: digest for key, digest in known.items() if _is_so(key)}
            if len(self._known) < len(known):
                write(self._kept, json.dumps(self._known, indent=1).encode())
            return len(known) - len(self._known)

    def _digest(self, path: Path) -> str:
        files = sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]
        if not files:
            return ""
        told = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        key = json.dumps(told)
        if self._known is None:
            self._known = self._read()
        if key not in self._known:
            self._known[key] = _sha256(files)[:DIGITS]
            write(self._kept, json.dumps(self._known, indent=1).encode())
        return self._known[key]

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._kept.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _is_so(key: str) -> bool:
    """Whether the files are still as they were when their digest was taken."""
    try:
        told = [(Path(file).stat(), size, changed) for file, size, changed in json.loads(key)]
        return all((now.st_size, now.st_mtime_ns) == (size, changed) for now, size, changed in told)
    except (OSError, ValueError, TypeError):
        return False


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
