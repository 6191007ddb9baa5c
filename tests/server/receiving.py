"""A webhook's receiver: it keeps what it is sent, and answers as it is told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Message:
    """One POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def record(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told


@dataclass
class Receiver:
    """statuses: what the next messages are answered with, one after another; then `otherwise`. 3xx lead to /moved."""

    url: str
    statuses: list[int] = field(default_factory=list)
    otherwise: int = 200
    messages: list[Message] = field(default_factory=list)

    def of(self, task_id: str) -> list[Message]:
        """What it was told of one task, in the order of arrival."""
        return [message for message in list(self.messages) if message.headers["x-task-id"] == task_id]

    def wait(self, task_id: str, count: int = 1, seconds: float = 60) -> list[Message]:
        """The messages about a task, once there are `count`."""
        until(lambda: len(self.of(task_id)) >= count, seconds)
        return self.of(task_id)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that listens on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.messages.append(Message(path=self.path, headers=headers, body=body))
            status = made.statuses.pop(0) if made.statuses else made.otherwise
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/moved")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Not in the tests' output."""

    with listening(Handler) as listener:
        made = Receiver(url=f"http://127.0.0.1:{listener.server_address[1]}")
        yield made


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    """A listener on a free port of this machine, in a thread."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
