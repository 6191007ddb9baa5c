"""A path means the same with and without a slash at its end, wherever the routes know only one of the two."""

from starlette.routing import Match, Router
from starlette.types import ASGIApp, Receive, Scope, Send


class Slashes:
    """ASGI middleware that gives the routes the form that they know; no client has to follow a redirection.

    It stands before all that looks at paths, so that nothing is asked about one form and done by the other.
    """

    def __init__(self, app: ASGIApp, router: Router) -> None:
        self.app = app
        self.router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_known(scope):
            path = scope["path"]
            other = {**scope, "path": path.removesuffix("/") if path.endswith("/") else f"{path}/"}
            scope = other if self._is_known(other) else scope
        await self.app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is not Match.NONE for route in self.router.routes)
