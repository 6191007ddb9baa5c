"""A server in a process of its own whose event loop is timed: how late each of its turns came."""

import asyncio
import json
import multiprocessing
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from configs.settings import Settings

TICK_S = 0.001
PATIENCE_S = 900


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """url: without a slash at its end. process: its number."""

    url: str
    process: int
    pipe: Connection

    def post(self, path: str, **fields: object) -> Any:
        """The JSON answer. Raises HTTPError."""
        asked = urllib.request.Request(
            self.url + path, json.dumps(fields).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read())

    def follow(self, path: str, **fields: object) -> list[dict[str, Any]]:
        """The server-sent events that are the answer, as they come. Raises HTTPError."""
        asked = urllib.request.Request(
            self.url + path, json.dumps(fields | {"stream_output": True}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return [json.loads(line[6:]) for line in answer if line.startswith(b"data: {")]

    def stalls(self) -> list[float]:
        """Seconds by which each turn of the loop came late, since this was last asked."""
        self.pipe.send("stalls")
        late: list[float] = self.pipe.recv()
        return late


@contextmanager
def watched(settings: Settings, answers: Callable[[], None] = lambda: None) -> Iterator[Watched]:
    """A server with its models loaded; on a free port, whatever the settings say. answers: called once it does."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(replace(settings, port=port), theirs))
    process.start()
    theirs.close()
    try:
        site = Watched(url=f"http://127.0.0.1:{port}", process=process.pid or 0, pipe=ours)
        _await_answer(site.url + "/healthz", process)
        answers()
        _await_answer(site.url + "/readyz", process)
        yield site
    finally:
        ours.close()
        process.join(30)
        process.kill()
        process.join()


def _await_answer(url: str, process: Any) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.is_alive():
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("The server did not get ready.")


def _serve(settings: Settings, pipe: Connection) -> None:
    asyncio.run(_watch(settings, pipe))


async def _watch(settings: Settings, pipe: Connection) -> None:
    import uvicorn

    from server.app import create_app

    config = uvicorn.Config(create_app(settings), log_level="warning", proxy_headers=False)
    server, late = uvicorn.Server(config), list[float]()

    def answer() -> None:
        """In a thread: what the benchmark asks, until it is gone."""
        try:
            while pipe.recv() == "stalls":
                told, late[:] = list(late), []
                pipe.send(told)
        except EOFError:
            server.should_exit = True

    threading.Thread(target=answer, daemon=True).start()
    ticking = asyncio.create_task(_tick(late))
    # Told that it speaks TCP, asyncio sends at once what is written, as in server/__main__.py.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", settings.port))
    await server.serve(sockets=[listener])
    ticking.cancel()


async def _tick(late: list[float]) -> None:
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(TICK_S)
        late.append(time.perf_counter() - begun - TICK_S)
