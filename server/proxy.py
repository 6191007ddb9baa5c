"""Behind a reverse proxy: what returned URLs begin with is what the client called, if a trusted proxy says so."""

import re
from contextvars import ContextVar
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from configs.settings import Settings, public_url

NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?"
HOST = re.compile(rf"(?:\[(?P<six>[0-9a-fA-F:.]{{2,45}})\]|{NAME})(?::(?P<port>\d{{1,5}}))?")
PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*/?")
EVERYONE = "*"

_called: ContextVar[str | None] = ContextVar("called", default=None)


def base_url(settings: Settings) -> str:
    """What the URLs of the answer to the current request begin with, without a slash at the end."""
    return _called.get() or public_url(settings)


class Forwarded:
    """ASGI middleware: take over X-Forwarded-Host, -Proto and -Prefix from proxies that are trusted.

    A `--base-url` that was set wins over them. Values that cannot be a host, a scheme or a path are as if not sent; of
    a list the first counts, which is what the client called.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.root_path = settings.root_path
        self.everyone = EVERYONE in settings.forwarded_allow_ips
        self.trusted = [] if self.everyone else [_network(text) for text in settings.forwarded_allow_ips]
        self.listens = settings.base_url == Settings.__dataclass_fields__["base_url"].default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        called = self._called(scope) if scope["type"] == "http" and self.listens else None
        token = _called.set(called)
        try:
            await self.app(scope, receive, send)
        finally:
            _called.reset(token)

    def _called(self, scope: Scope) -> str | None:
        """Scheme, host and path in front of the server's own paths; None where no trusted proxy tells them."""
        if not self._is_trusted(scope.get("client")):
            return None
        headers = Headers(scope=scope)
        host, scheme, prefix = (
            headers.get(f"x-forwarded-{name}", "").split(",")[0].strip() for name in ("host", "proto", "prefix")
        )
        if not _is_host(host):
            return None
        scheme = scheme if scheme in ("http", "https") else "http"
        prefix = prefix if prefix and PREFIX.fullmatch(prefix) else self.root_path
        return f"{scheme}://{host}{prefix.rstrip('/')}"

    def _is_trusted(self, client: tuple[str, int] | None) -> bool:
        if self.everyone or client is None:
            return self.everyone
        try:
            address = ip_address(client[0])
        except ValueError:
            return False
        return any(address in network for network in self.trusted)


def _is_host(text: str) -> bool:
    found = HOST.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) < 2**16:
        return False
    try:
        return found["six"] is None or bool(ip_address(found["six"]))
    except ValueError:
        return False


def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text, strict=False)
