"""Refuse request bodies above the limit before they are in memory, and those that never end."""

import asyncio
import time

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from configs.settings import LIMITS
from masking.errors import TooLarge
from server.errors import STATUSES, TooSlow

SLOWEST = 10 * 1024
"""Bytes a second, on the whole: what comes more slowly is not waited for, though it comes all the time."""


class BodyLimit:
    """ASGI middleware: 413 as soon as a body is known to be too large, announced or not; 408 for one that is too slow.

    pause_s: so long nothing may come of a body, and so much longer than SLOWEST it may take as a whole; 0: for ever.
    """

    def __init__(self, app: ASGIApp, pause_s: float, most: int = LIMITS.max_body) -> None:
        self.app = app
        self.pause_s = pause_s or None
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self.most:
            await self._refuse(scope, receive, send)
            return
        began, seen, complete = time.monotonic(), 0, False

        async def arrived() -> Message:
            nonlocal complete
            if complete:  # what comes now is the client's going away, for which there is no time
                return await receive()
            try:
                async with asyncio.timeout(self._left(began, seen)):
                    message = await receive()
            except TimeoutError as late:
                sentence = f"The request's body does not come: {self.pause_s:.0f} s without anything, or as much late."
                raise HTTPException(STATUSES[TooSlow], sentence) from late
            complete = not message.get("more_body", False)
            return message

        async def counted() -> Message:
            nonlocal seen
            message = await arrived()
            seen += len(message.get("body", b""))
            if seen > self.most:
                raise HTTPException(STATUSES[TooLarge], self._sentence())  # FastAPI would make 400 of others
            return message

        await self.app(scope, counted, send)

    def _left(self, began: float, seen: int) -> float | None:
        """Seconds for the next part of a body of which so many bytes have come since `began`; None: for ever."""
        if self.pause_s is None:
            return None
        return min(self.pause_s, max(0.0, began + self.pause_s + seen / SLOWEST - time.monotonic()))

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = JSONResponse({"detail": self._sentence()}, status_code=STATUSES[TooLarge])
        await answer(scope, receive, send)

    def _sentence(self) -> str:
        return f"The request's body is larger than {self.most >> 20} MiB; send pictures as URLs or make them smaller."
