"""A server for the length of the demo, and what a client needs to talk to it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from configs.keys import keys
from configs.settings import ROOT
from configs.sources import load

PATIENCE_S = 900
"""For one answer; the first one on a slow disk loads the models."""


class Wrong(Exception):
    """The demo did not work; one sentence about what did not."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A server: where it is, the folder that it serves as /outputs/, and a key where it asks for one."""

    url: str
    outputs: Path
    key: str = ""

    def post(self, path: str, **fields: object) -> Any:
        """The JSON answer, its warnings printed. Raises Wrong when the server refuses."""
        body = json.dumps(fields).encode()
        headers = {"Content-Type": "application/json"} | ({"X-API-KEY": self.key} if self.key else {})
        asked = urllib.request.Request(self.url + path, body, headers)
        answer, headers = _open(asked)
        said = json.loads(answer)
        warnings = said["warnings"] if isinstance(said, dict) else json.loads(headers.get("X-Gesso-Warnings", "[]"))
        for warning in warnings:
            print(f"    note: {warning}")
        return said

    def get(self, url: str) -> bytes:
        return _open(urllib.request.Request(url))[0]

    def file(self, url: str) -> Path:
        """Where the picture behind a URL of ours lies on disk."""
        path = urllib.parse.unquote(url.partition("/outputs/")[2].partition("?")[0])
        return self.outputs.joinpath(*path.split("/"))


@contextmanager
def serving(words: Sequence[str], outputs: Path) -> Iterator[Site]:
    """A server on a free port, its models loaded; stopped at the end. `words`: settings, as on the command line."""
    port = _free_port()
    key = next(iter(keys(load(words))), "")
    site = Site(url=f"http://127.0.0.1:{port}", outputs=outputs, key=key)
    ours = ["--listen", "127.0.0.1", "--port", str(port), "--base-url", site.url]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "server", *words, *ours],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        )
        try:
            _await_ready(site, process, log)
            yield site
        finally:
            _stop(process)


def _await_ready(site: Site, process: subprocess.Popen[bytes], log: IO[str]) -> None:
    """Raises Wrong with the server's last words when it ends, or cannot load its models."""
    end, told = time.monotonic() + PATIENCE_S, ""
    while time.monotonic() < end:
        if process.poll() is not None:
            log.seek(0)
            raise Wrong("The server ended before it was ready. Its last words:\n" + "".join(log.readlines()[-20:]))
        state, reason = _readiness(site)
        if state == "ready":
            return
        if state == "failed":
            raise Wrong(f"The server cannot get ready: {reason}")
        if reason and reason != told:
            told = reason
            print(f"  {reason}", flush=True)
        time.sleep(0.2)
    raise Wrong(f"The server was not ready after {PATIENCE_S} s: {told}")


def _readiness(site: Site) -> tuple[str, str]:
    try:
        with urllib.request.urlopen(f"{site.url}/readyz", timeout=10) as answer:
            answer.read()
            return "ready", ""
    except urllib.error.HTTPError as refusal:
        with refusal:
            said = json.loads(refusal.read())
        return said.get("status", ""), said.get("reason", "")
    except OSError:
        return "", ""


def _open(asked: urllib.request.Request) -> tuple[bytes, Any]:
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return answer.read(), answer.headers
    except urllib.error.HTTPError as refusal:
        with refusal:
            text = refusal.read().decode(errors="replace")
        raise Wrong(f"{asked.full_url} answered {refusal.code}: {text}") from refusal
    except OSError as problem:
        raise Wrong(f"{asked.full_url} did not answer: {problem}.") from problem


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
