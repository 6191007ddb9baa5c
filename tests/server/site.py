"""A site that gives files away, well or badly: whatever a test tells it to."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.server.receiving import listening

PIECE = 1 << 16


@dataclass(kw_only=True)
class Offered:
    """A file and how it is given. cuts: after how many bytes the next answers end too early, one after another.

    pause_s: between two pieces. length: what is announced ("" nothing, and the end of the line is that of the file).
    """

    content: bytes = b""
    status: int = 200
    etag: str = ""
    kind: str = "application/octet-stream"
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    pause_s: float = 0.0
    length: str | None = None
    chunked: bool = False
    moved_to: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Site:
    """asked: (path, Range header) of every request, in order; credentials: (path, Authorization header) of each.

    known: the one Authorization header that it gives anything to, "" where everybody gets everything.
    """

    host: str
    files: dict[str, Offered] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    credentials: list[tuple[str, str]] = field(default_factory=list)
    known: str = ""

    def offer(self, path: str, content: bytes = b"", **more: object) -> str:
        """Give a file away; its URL."""
        offered = self.files[path] = Offered(content=content, **more)  # type: ignore[arg-type]
        offered.etag = offered.etag or f'"{offered.sha256[:16]}"'
        return f"http://{self.host}{path}"

    def ranges_of(self, path: str) -> list[str]:
        return [asked_for for asked_path, asked_for in self.asked if asked_path == path]


@contextmanager
def site() -> Iterator[Site]:
    """A site that listens on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.removeprefix("http://models.test")  # as a proxy is asked
            made.asked.append((path, self.headers.get("Range", "")))
            made.credentials.append((path, told := self.headers.get("Authorization", "")))
            offered = made.files.get(path, Offered(status=404))
            if made.known and told != made.known:
                offered = Offered(status=401)
            try:
                self._give(offered)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _give(self, offered: Offered) -> None:
            start = self._start(offered)
            body = offered.content[start:]
            self.send_response(206 if start else offered.status)
            for name, value in offered.headers.items():
                self.send_header(name, value)
            self.send_header("ETag", offered.etag)
            self.send_header("Content-Type", offered.kind)
            if offered.moved_to:
                self.send_header("Location", offered.moved_to)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(offered.content) - 1}/{len(offered.content)}")
            if offered.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif length := offered.length if offered.length is not None else str(len(body)):
                self.send_header("Content-Length", length)
            else:
                self.close_connection = True
            self.end_headers()
            self._write(offered, body)

        def _start(self, offered: Offered) -> int:
            wanted = self.headers.get("Range", "")
            same = self.headers.get("If-Range", offered.etag) == offered.etag
            return int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and same and offered.ranges else 0

        def _write(self, offered: Offered, body: bytes) -> None:
            cut = offered.cuts.pop(0) if offered.cuts else None
            for begin in range(0, len(body[:cut]), PIECE):
                piece = body[:cut][begin : begin + PIECE]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if offered.chunked else piece)
                time.sleep(offered.pause_s)
            if offered.chunked and cut is None:
                self.wfile.write(b"0\r\n\r\n")
            if cut is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Not in the tests' output."""

    with listening(Handler) as listener:
        made = Site(host=f"127.0.0.1:{listener.server_address[1]}")
        yield made
