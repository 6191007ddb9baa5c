"""Connections on which nothing gets on are closed: uvicorn waits for ever for a request's head, and for a reader."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

READS_WITHIN = 10
"""So many times as long as a request's head may take, a client may leave an answer lying."""


def protocol(limit_s: int) -> type[asyncio.Protocol]:
    """uvicorn's way to speak HTTP, with `limit_s` seconds for a request's head, from its connection or from the answer
    before; 0: for ever. Bodies are `server.body_limit`'s.
    """

    class Impatient(H11Protocol):
        def __init__(self, *wiring: Any, **more: Any) -> None:
            super().__init__(*wiring, **more)
            self._head: asyncio.TimerHandle | None = None
            self._reader: asyncio.TimerHandle | None = None
            self._heard = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._look()

        def data_received(self, data: bytes) -> None:
            self._heard = True
            super().data_received(data)
            self._look()

        def on_response_complete(self) -> None:
            self._heard = False
            super().on_response_complete()
            self._look()

        def connection_lost(self, exc: Exception | None) -> None:
            for timer in (self._head, self._reader):
                if timer:
                    timer.cancel()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            if limit_s:
                self._reader = self.loop.call_later(READS_WITHIN * limit_s, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._reader:
                self._reader.cancel()

        def _look(self) -> None:
            """Count the time while no request is being answered, whatever comes meanwhile."""
            answers = self.cycle is not None and not self.cycle.response_complete
            if answers and self._head:
                self._head.cancel()
                self._head = None
            elif not answers and not self._head and limit_s:
                self._head = self.loop.call_later(limit_s, self._give_up)

        def _give_up(self) -> None:
            self._head = None
            if self.transport.is_closing():
                return
            if self._heard and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                told = f"The request's head did not come within {limit_s} s.".encode()
                headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(told)))]
                answer = h11.Response(
                    status_code=408, headers=[*headers, ("connection", "close")], reason=b"Request Timeout"
                )
                for event in (answer, h11.Data(data=told), h11.EndOfMessage()):
                    self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return Impatient
