"""Who sends a request or reads an answer too slowly does not hold a connection for ever; others do not notice."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.body_limit import SLOWEST, BodyLimit
from tests.reliability.painting import paints
from tests.server.running import GENERATE, Running

LIMIT_S = 2
HEAD = b"POST " + GENERATE.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that waits for nobody."""
    running = paints(tmp_path_factory.mktemp("hurried"), "--request-timeout", str(LIMIT_S), step_s=0.001)
    try:
        running.wait()
        yield running
    finally:
        assert running.stop() == 0, running.log


def answered(running: Running, begin: bytes, drip: bytes, seconds: float = 60) -> bytes:
    """What comes back until the server closes; meanwhile `drip` is sent again and again."""
    heard, deadline = b"", time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", running.port), timeout=0.2) as line:
        line.sendall(begin)
        while time.monotonic() < deadline:
            try:
                if drip:
                    line.sendall(drip)
                more = line.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return heard
            if not more:
                return heard
            heard += more
    raise AssertionError(f"the connection was still open after {seconds} s: {heard!r}")


@pytest.mark.parametrize(
    ("begin", "drip", "status"),
    [
        (b"", b"", b""),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"", b"HTTP/1.1 408 "),
        (b"GET /healthz HTTP/1.1\r\n", b"X-Drop: by drop\r\n", b"HTTP/1.1 408 "),
        (HEAD + b"Content-Length: 1000\r\n\r\n", b"", b"HTTP/1.1 408 "),
        (HEAD + b"Content-Length: 100000\r\n\r\n{", b" ", b"HTTP/1.1 408 "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", b"HTTP/1.1 408 "),
        (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /hea", b"l", b"HTTP/1.1 200 "),
    ],
    ids=["silent", "half a head", "dripping head", "no body", "dripping body", "dripping chunks", "dripping next head"],
)
def test_a_slow_request_is_ended(hurried: Running, begin: bytes, drip: bytes, status: bytes) -> None:
    heard = answered(hurried, begin, drip)
    assert heard.startswith(status), heard
    assert bool(heard) == bool(status)
    assert hurried.client.get("/healthz").status_code == 200


def test_an_answer_takes_as_long_as_it_takes(hurried: Running) -> None:
    steps = LIMIT_S * 1000 * 2  # of a millisecond: twice as long as a head may take
    told = hurried.made(overwrite_step=200, image_number=max(1, steps // 200))
    assert told["task_status"] == "finished"


def test_a_body_has_time_by_what_has_come_of_it(tmp_path: Path) -> None:
    """A second for so many bytes, and the pause on top."""
    sizes = [3 * SLOWEST, 0, 0]

    async def receive() -> Any:
        await asyncio.sleep(0.4)
        return {"type": "http.request", "body": b"x" * sizes.pop(0), "more_body": bool(sizes)}

    async def reads(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["more_body"]:
            pass

    limit = BodyLimit(reads, pause_s=0.6)
    asyncio.run(limit({"type": "http", "headers": []}, receive, receive))  # type: ignore[arg-type]
    assert not sizes
