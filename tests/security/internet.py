"""A small internet on loopback: hosts that the server may call, one that it must not, and a name server that lies."""

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.server.receiving import listening

NAMES = Path(__file__).parent / "names"
PUBLIC = "93.184.215.14"
LIES = {
    "public.example": [[PUBLIC]],
    "rebind.example": [[PUBLIC], ["127.0.0.1"]],
    "rebound.example": [[PUBLIC], ["127.0.0.1"]],
    "late.example": [[PUBLIC], ["127.0.0.1"]],
    "loopback.example": [["127.0.0.1"]],
    "intern.example": [["10.1.2.3"]],
    "mapped.example": [["::ffff:127.0.0.1"]],
    "both.example": [[PUBLIC, "127.0.0.1"]],
    "six.example": [["fd00:ec2::254"]],
}


def picture() -> bytes:
    """A PNG that tells how it was made, so that reading its metadata answers 200."""
    told = PngInfo()
    told.add_text("parameters", "a red ball\nSteps: 5, Sampler: Euler, CFG scale: 4.0, Seed: 1, Size: 8x8, Model: x")
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=told)
    return buffer.getvalue()


@dataclass
class Internet:
    """port: of the host that must not be called; `called` is what was asked of it, and `log` what was looked up."""

    port: int
    folder: Path
    called: list[str] = field(default_factory=list)

    @property
    def log(self) -> list[list[str]]:
        file = self.folder / "log.txt"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def variables(self) -> dict[str, str]:
        """What a server's environment must have to live here."""
        return {"GESSO_TEST_NAMES": str(self.folder / "names.json"), "PYTHONPATH": str(NAMES)}


@contextmanager
def internet(folder: Path) -> Iterator[Internet]:
    """Two listeners: the forbidden one, and the one behind every public name."""
    with listening(Forbidden) as inside, listening(Public) as outside:
        made = Internet(port=inside.server_address[1], folder=folder)
        inside.called = made.called  # type: ignore[attr-defined]
        reached = {PUBLIC: ["127.0.0.1", outside.server_address[1]]}
        told = {"answers": LIES, "reached": reached, "log": str(folder / "log.txt")}
        (folder / "names.json").write_text(json.dumps(told), encoding="utf-8")
        yield made


class Forbidden(BaseHTTPRequestHandler):
    """Answers everybody with a picture, and remembers it."""

    def do_GET(self) -> None:
        self.server.called.append(f"{self.command} {self.path}")  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(picture())

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Not in the tests' output."""


class Public(BaseHTTPRequestHandler):
    """Does to whoever fetches from it what its path says."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        kind, to = urlsplit(self.path).path.strip("/"), asked.get("to", [""])[0]
        with suppress(OSError):  # whoever fetches has had enough
            getattr(self, f"_{kind}")(to)
        self.close_connection = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def _head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def _picture(self, _to: str) -> None:
        self._head(Set_Cookie="followed=1; Path=/")
        self.wfile.write(picture())

    def _cookies(self, _to: str) -> None:
        self._head(404 if self.headers.get("Cookie") else 200)
        self.wfile.write(picture())

    def _moved(self, to: str) -> None:
        self._head(302, Location=to)

    def _kept(self, to: str) -> None:
        self._head(307, Location=to)

    def _round(self, _to: str) -> None:
        self._head(302, Location="/round")

    def _often(self, to: str) -> None:
        self._head(302, Location=f"/often?to={int(to) - 1}" if int(to) > 1 else "/picture")

    def _huge(self, _to: str) -> None:
        self._head(Content_Length=1 << 40)
        self.wfile.write(picture())

    def _endless(self, _to: str) -> None:
        self._head()
        while True:
            self.wfile.write(b"\0" * (1 << 22))

    def _slow(self, _to: str) -> None:
        self._head()
        while True:
            self.wfile.write(b"\0")
            time.sleep(0.5)

    def _packed(self, _to: str) -> None:
        self._head(Content_Encoding="gzip")
        self.wfile.write(b"\x1f\x8b")

    def _page(self, _to: str) -> None:
        self._head(Content_Type="text/html")
        self.wfile.write(b"<!doctype html><title>Sign in</title>")

    def _empty(self, _to: str) -> None:
        self._head()

    def _missing(self, _to: str) -> None:
        self._head(404)

    def log_message(self, format: str, *args: object) -> None:
        """Not in the tests' output."""
