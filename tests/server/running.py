"""A real server process, as a user starts it."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from configs.settings import ROOT

GENERATE = "/v1/engine/generate"


@dataclass
class Running:
    """The process, its folders, and a client that talks to it."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    folder: Path
    port: int

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text(errors="replace")

    def generate(self, **fields: Any) -> httpx.Response:
        """POST a small and fast request."""
        small: dict[str, Any] = {"aspect_ratios_selection": "64*64", "overwrite_step": 1}
        return self.client.post(GENERATE, json=small | fields)

    def made(self, **fields: Any) -> dict[str, Any]:
        """The record of a request that must succeed."""
        answer = self.generate(**fields)
        assert answer.status_code == 200, answer.text
        record: dict[str, Any] = answer.json()
        return record

    def picture(self, url: str) -> Image.Image:
        """What a returned URL gives."""
        answer = self.client.get(url)
        assert answer.status_code == 200, answer.text
        return Image.open(io.BytesIO(answer.content))

    def wait(self, path: str = "/readyz", seconds: float = 240) -> None:
        """Until `path` answers 200."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            try:
                if self.client.get(path).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{path} was not 200 within {seconds} s\n{self.log}")

    def worker(self) -> int | None:
        """The worker's process id, the first one's of several."""
        return next(iter(self.workers()), None)

    def workers(self) -> list[int]:
        """The workers' process ids: the children that were not there for bookkeeping."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        named = " ".join(path.read_text() for path in children).split()
        return [int(child) for child in named if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]

    def stop(self) -> int:
        """End it as Ctrl+C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self.client.close()
        return code


def start(
    folder: Path,
    models: Path,
    *more: str,
    allowed: Sequence[str] = ("127.0.0.1",),
    variables: dict[str, str] | None = None,
) -> Running:
    """Start a server that keeps its things in `folder`. allowed: hosts it may call, though they are private."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    where = ["--output-path", f"{folder / 'outputs'}", "--input-path", f"{folder / 'inputs'}"]
    command = [sys.executable, "-m", "server", "--port", str(port), "--models-path", str(models), "--threads", "1"]
    command += [*where, *(f"--allow-host={host}" for host in allowed), *more]
    with (folder / "log.txt").open("ab") as log:
        one_thread = {"NUMBA_NUM_THREADS": "1"}  # numba, which rembg brings, sets torch's threads, too
        environment = os.environ | one_thread | (variables or {})
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, trust_env=False)
    return Running(process=process, client=client, folder=folder, port=port)


@contextmanager
def ready(
    folder: Path,
    models: Path,
    *more: str,
    allowed: Sequence[str] = ("127.0.0.1",),
    variables: dict[str, str] | None = None,
) -> Iterator[Running]:
    """A server as `start` gives it, from when its models are there until it has ended as it should."""
    running = start(folder, models, *more, allowed=allowed, variables=variables)
    try:
        running.wait()
        yield running
    finally:
        assert running.stop() == 0, running.log


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def as_text(picture: Image.Image, form: str = "PNG", **more: Any) -> str:
    """A picture as the base64 text of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, form, **more)
    return b64encode(buffer.getvalue()).decode()
