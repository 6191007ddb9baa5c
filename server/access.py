"""Who may come in: keys, sessions of browsers that have shown one, and links that open by themselves for a while."""

import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

SECRET_FILE = ".signing-secret"
SECRET_BYTES = 32
HOUR = 3600
LINK_HOURS = 24
"""A link opens for this long, and for the rest of the hour: within it the same picture has the same link."""

SESSION_S = 7 * 24 * HOUR
LINK = re.compile(r"https?://[^\s?#]+?(/outputs/\d{4}-\d{2}-\d{2}/[^\s/?#]+|/inputs/[0-9a-f]{64}\.png)")
SIGNED = re.compile(r"/(outputs|inputs)/")


class Access:
    """Whoever comes with one of `keys` is known by a name, which is none of its letters; without keys, everybody is ''.

    secret: what links and sessions are signed with.
    """

    def __init__(self, keys: Sequence[str], secret: bytes) -> None:
        self._secret = secret
        self._digests = [self._digest("key", key.encode()) for key in keys]

    @property
    def needed(self) -> bool:
        """Whether a key is asked for."""
        return bool(self._digests)

    def by_key(self, key: bytes) -> str | None:
        """The name of who sends this key; None: it is none. Takes as long for every wrong key."""
        sent = self._digest("key", key)
        right = [digest for digest in self._digests if hmac.compare_digest(digest, sent)]
        return _name(right[0]) if right else None

    def session(self, name: str) -> str:
        """What a browser keeps of somebody who has shown his key, for `SESSION_S` seconds."""
        until = int(time.time()) + SESSION_S
        return f"{until}.{name}.{self._mark('session', f'{until}.{name}')}"

    def by_session(self, kept: str) -> str | None:
        """The name in a session that holds: signed here, not over, and of a key that is still one."""
        until, _, rest = kept.partition(".")
        name, _, mark = rest.partition(".")
        right = hmac.compare_digest(mark.encode(), self._mark("session", f"{until}.{name}").encode())
        known = any(name == _name(digest) for digest in self._digests)
        return name if right and known and int(until) > time.time() else None

    def by_link(self, path: str, query: bytes) -> bool:
        """Whether a request for `path` (in plain letters) brings the signature of a link to it that is not over."""
        sent = parse_qs(query.decode("latin-1"))
        until, mark = sent.get("expires", [""])[0], sent.get("signature", [""])[0]
        if not SIGNED.match(path) or not re.fullmatch(r"\d{1,12}", until, re.ASCII):
            return False
        right = hmac.compare_digest(mark.encode(), self._mark("link", f"{until}{path}").encode())
        return right and int(until) > time.time()

    def opened(self, told: Any) -> Any:
        """The same with a signature at every link to a picture of ours; as it is where no key is asked for."""
        if isinstance(told, str) and self.needed and (found := LINK.fullmatch(told)):
            until = (int(time.time()) // HOUR + 1 + LINK_HOURS) * HOUR
            return f"{told}?expires={until}&signature={self._mark('link', f'{until}{unquote(found[1])}')}"
        if isinstance(told, list):
            return [self.opened(one) for one in told]
        return {name: self.opened(one) for name, one in told.items()} if isinstance(told, dict) else told

    def _mark(self, purpose: str, text: str) -> str:
        return self._digest(purpose, text.encode()).hex()

    def _digest(self, purpose: str, content: bytes) -> bytes:
        return hmac.digest(self._secret, purpose.encode() + b"\0" + content, hashlib.sha256)


def secret(folder: Path) -> bytes:
    """The secret that is kept in `folder`, made on the first call; only its owner may read the file. Raises OSError."""
    file = folder / SECRET_FILE
    kept = file.read_bytes() if file.is_file() else b""
    if len(kept) == SECRET_BYTES:
        file.chmod(0o600)
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{SECRET_FILE}.{secrets.token_hex(8)}.part"
    made = secrets.token_bytes(SECRET_BYTES)
    with os.fdopen(
        os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb"
    ) as out:
        out.write(made)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, file)
    return made


def _name(digest: bytes) -> str:
    return digest.hex()[:12]
