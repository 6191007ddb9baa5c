"""Pages of others in a browser on this machine: they must not use this server in its user's name.

A page of another origin can make a browser send simple requests, though not read the answers: what changes something is
refused. A page whose name is made to lead here (DNS rebinding) can read the answers, too: without a key, a server that
only this machine can reach answers only by names that nobody else can give out.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from configs.hosts import NAME, plain
from configs.keys import keys
from configs.settings import Settings, public_url
from configs.urls import is_loopback
from server.errors import STATUSES, Forbidden, Misdirected
from server.proxy import base_url

EVERY = "*"
HARMLESS = ("GET", "HEAD", "OPTIONS")
OWN = ("same-origin", "none")
"""What browsers say in Sec-Fetch-Site of our own pages, and of what a person has typed or bookmarked."""

HOST = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<name>[^:\[\]]+))(?::\d{1,5})?")

EXPOSED = ("Retry-After", "X-Gesso-Effective-Params", "X-Gesso-Warnings", "X-Task-Id", "X-Total-Count")


def cors(settings: Settings) -> Mapping[str, Any]:
    """For Starlette's CORSMiddleware: the pages of `--cors-origin` may do all that ours may; cookies only by name."""
    every = EVERY in settings.cors_origin
    return {
        "allow_origins": [EVERY] if every else [origin.rstrip("/") for origin in settings.cors_origin],
        "allow_credentials": not every,
        "allow_methods": ["GET", "POST", "DELETE"],
        "allow_headers": ["*"],
        "expose_headers": EXPOSED,
        "max_age": 600,
    }


class Origins:
    """ASGI middleware that refuses both. Hosts that `--known-host`, `--base-url` and local names give are ours."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.trusted = frozenset(origin.rstrip("/") for origin in settings.cors_origin)
        named = (*settings.known_host, urlsplit(public_url(settings)).hostname or "")
        self.known = frozenset(map(plain, named))
        self.asks_for_name = is_loopback(settings.listen) and EVERY not in self.known and not keys(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._refusal(scope, Headers(scope=scope)) if scope["type"] == "http" else None
        await (answer or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if self.asks_for_name and host and not self._is_known(host):
            sentence = (
                f"This server is not known as {host[:200]!r}: set a key with --apikey, or start it with "
                f"--known-host {host.rpartition(':')[0] or host} if that is its name."
            )
            return JSONResponse({"detail": sentence}, STATUSES[Misdirected])
        if _changes(scope) and not self._is_own(headers):
            origin = headers.get("origin", "another site")
            sentence = f"A page of {origin[:200]} asked for this; start the server with --cors-origin to let it."
            return JSONResponse({"detail": sentence}, STATUSES[Forbidden])
        return None

    def _is_known(self, host: str) -> bool:
        """Whether nobody else can make a page of this host lead here: an address, a local name, or one we were told."""
        found = HOST.fullmatch(host)
        if found is None:
            return False
        name = plain(found["six"] or found["name"])
        if found["name"] and not NAME.fullmatch(name):
            return False
        return "." not in name or name.endswith(".localhost") or name in self.known or _is_address(name)

    def _is_own(self, headers: Headers) -> bool:
        """Whether a page of ours asks, one of `--cors-origin`, or no page at all.

        Other pages cannot send a key's header without having been let by CORS.
        """
        origin = headers.get("origin")
        if "x-api-key" in headers or "authorization" in headers or {EVERY, origin} & self.trusted:
            return True
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in OWN
        if origin is None:
            return True
        ours = (headers.get("host", ""), urlsplit(base_url(self.settings)).netloc)
        return urlsplit(origin).netloc.lower() in [host.lower() for host in ours]


def _changes(scope: Scope) -> bool:
    """Whether a request may change something; FooocusAPI deletes with GET, too."""
    return scope["method"] not in HARMLESS or "action" in parse_qs(scope["query_string"].decode("latin-1"))


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False
