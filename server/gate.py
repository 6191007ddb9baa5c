"""The gate before every route: with keys, nothing but what is named here opens without one."""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from configs.settings import Settings
from server.access import Access
from server.errors import STATUSES, TooMany
from server.rates import Rates

PUBLIC = frozenset({"/", "/login", "/logout", "/healthz", "/readyz", "/docs", "/redoc", "/openapi.json"})
PUBLIC_FOLDER = "/static/"
"""The files of the page and of the manual."""

PAGES = ("/outputs", "/inputs")
UNLIMITED = ("/outputs", "/inputs", "/thumbnails")
"""Looking at what was made is no work, and one page of pictures asks for hundreds of them."""

FORBIDDEN = {"detail": "Forbidden"}


class Gate:
    """ASGI middleware. Lets in who has a key (`X-API-KEY`, or a bearer's), a session, or for a picture its signed link.

    Who was let in is `request.state.caller` from here on: a name for the key, without keys ''.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.cookie = cookie(settings)
        self.rates = Rates(settings.rate_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        access: Access = scope["app"].state.parts.access
        path, headers = route_path(scope), Headers(scope=scope)
        caller = self._caller(headers, access) if access.needed else ""
        by_link = access.by_link(path, scope["query_string"])
        if b"signature=" in scope["query_string"]:
            scope["query_string"] = b""  # whoever reads the server's log must not be able to use the link
        answer: Response | None = None
        if caller is None and not by_link and not _is_public(path):
            answer = _turned_away(scope["method"], path, headers)
        elif not _is_public(path) and not path.startswith(UNLIMITED):
            answer = self._too_soon(caller or _address(scope))
        if answer is None:
            scope.setdefault("state", {})["caller"] = caller or ""
            await self.app(scope, receive, send)
        else:
            await answer(scope, receive, send)

    def _caller(self, headers: Headers, access: Access) -> str | None:
        """The name of who asks; None: nobody who is known."""
        sent = [headers.get("x-api-key", "")]
        scheme, _, token = headers.get("authorization", "").partition(" ")
        sent += [token.strip()] if scheme.lower() == "bearer" else []
        found = [access.by_key(key.encode("latin-1")) for key in sent if key]
        try:
            session = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            session = None
        found += [access.by_session(session.value)] if session else []
        return next((name for name in found if name), None)

    def _too_soon(self, name: str) -> Response | None:
        wait = self.rates.wait_s(name)
        if not wait:
            return None
        sentence = f"More than {self.rates.per_minute} requests in a minute; the next one is answered in {wait} s."
        return JSONResponse({"detail": sentence}, STATUSES[TooMany], {"Retry-After": str(wait)})


def cookie(settings: Settings) -> str:
    """The name of the session's cookie; browsers do not part the cookies of two servers by their ports."""
    return f"gesso-{settings.port}"


def route_path(scope: Scope) -> str:
    """The path as the routes know it: without what a proxy may have left in front."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith(PUBLIC_FOLDER)


def _turned_away(method: str, path: str, headers: Headers) -> Response:
    """FooocusAPI's refusal; for a person who wants to look at a page, the way to the login and back."""
    wants_page = "text/html" in headers.get("accept", "")
    if method != "GET" or not wants_page or not path.startswith(PAGES):
        return JSONResponse(FORBIDDEN, 403)
    up = "../" * (path.count("/") - 1)
    return RedirectResponse(f"{up}login?next={quote(path.lstrip('/'))}", 303)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return f"address {client[0]}" if client else "address unknown"
