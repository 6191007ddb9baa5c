"""Refuse request bodies above the limit before they are in memory."""

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from configs.settings import LIMITS
from masking.errors import TooLarge
from server.errors import STATUSES


class BodyLimit:
    """ASGI middleware: 413 as soon as a body is known to be too large, announced or not."""

    def __init__(self, app: ASGIApp, most: int = LIMITS.max_body) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self.most:
            await self._refuse(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.most:
                raise HTTPException(STATUSES[TooLarge], self._sentence())  # FastAPI would make 400 of others
            return message

        await self.app(scope, counted, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = JSONResponse({"detail": self._sentence()}, status_code=STATUSES[TooLarge])
        await answer(scope, receive, send)

    def _sentence(self) -> str:
        return f"The request's body is larger than {self.most >> 20} MiB; send pictures as URLs or make them smaller."
