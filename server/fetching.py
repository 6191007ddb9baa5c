"""Calls to URLs that others chose (pictures, webhooks): http(s) only, and only to addresses that a stranger may name.

A host's name is looked up once, and what is connected to is the address that was checked: a second answer of its name
server, another one than the first (DNS rebinding), is never asked for. A redirection comes through the same check.
Proxies that the environment names are not used, for behind one nobody could check anything.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx

from configs import hosts
from configs.hosts import Address, Host
from configs.settings import Settings
from server import addresses

MOST_REDIRECTS = 5
LOOKUPS_AT_ONCE = 8
PORTS = {"http": 80, "https": 443}


class Refused(httpx.TransportError):
    """The host's address is none that a stranger may let us call, and nobody has allowed it."""


class Guard:
    """What may be called: the addresses that everybody reaches, and the hosts of `--allow-host`.

    The host and port of `--webhook-url` are allowed, too. Lives on the event loop.
    """

    def __init__(self, settings: Settings) -> None:
        allowed = [hosts.read(text) for text in settings.allow_host]
        self._allowed = (*allowed, *_host_of(settings.webhook_url))
        # Threads of its own: a name server that does not answer must not take those that everything else needs.
        self._lookups = ThreadPoolExecutor(LOOKUPS_AT_ONCE, "lookup")

    def client(self, *, timeout_s: float) -> httpx.AsyncClient:
        """A client whose every call, redirected ones too, goes through this guard. `timeout_s` is for each wait."""
        return httpx.AsyncClient(
            transport=_Guarded(self),
            timeout=timeout_s,
            max_redirects=MOST_REDIRECTS,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none are kept from one call to the next
            headers={"User-Agent": "Gesso"},
            trust_env=False,
        )

    async def addresses(self, url: httpx.URL) -> list[Address]:
        """Where the URL's host is, each address checked. Raises Refused, or httpx.ConnectError: no such host."""
        port = url.port or PORTS.get(url.scheme, 0)
        found = await self._look_up(url, port)
        if any(allowed.is_name(url.host, port) for allowed in self._allowed):
            return found
        for address in found:
            kind = addresses.why_not(address)
            if kind and not self._holds(address, port):
                is_address = hosts.plain(url.host) == str(address)
                raise Refused(
                    f"{url.host} {'is' if is_address else 'leads to'} {kind}, which nobody may call from here "
                    f"unless the server is started with --allow-host {url.host}"
                )
        return found

    def _holds(self, address: Address, port: int) -> bool:
        return any(host.holds(one, port) for host in self._allowed for one in (address, addresses.inner(address)))

    async def _look_up(self, url: httpx.URL, port: int) -> list[Address]:
        name = url.raw_host.decode("ascii").strip("[]")
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._lookups, lambda: socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            )
            return list(dict.fromkeys(addresses.read(str(where[4][0])) for where in found))
        except (OSError, ValueError) as error:  # UnicodeError is a ValueError
            raise httpx.ConnectError(f"there is no host {url.host[:200]!r}") from error

    def close(self) -> None:
        """Let the threads go, also those that still wait for a name server."""
        self._lookups.shutdown(wait=False, cancel_futures=True)


class _Guarded(httpx.AsyncBaseTransport):
    """Connects to the address that was checked, with the name that was asked for in the header and the certificate."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        # No connection is kept: two hosts at one address would share it, and with it the first one's certificate.
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme not in PORTS:
            raise httpx.UnsupportedProtocol(f"{request.url.scheme}:// is neither http:// nor https://")
        fault: httpx.HTTPError | None = None
        for address in await self._guard.addresses(request.url):
            try:
                return await self._inner.handle_async_request(_to(address, request))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:  # nothing of the body has been sent yet
                fault = fault or error
        raise fault or httpx.ConnectError(f"there is no host {request.url.host[:200]!r}")

    async def aclose(self) -> None:
        await self._inner.aclose()


def _to(address: Address, request: httpx.Request) -> httpx.Request:
    """The same request to an address; the Host header is that of the URL already."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions | {"sni_hostname": request.url.raw_host.decode("ascii").strip("[]")},
    )


def _host_of(url: str) -> tuple[Host, ...]:
    """The host and port of a URL from the settings."""
    if not url:
        return ()
    parts = urlsplit(url)
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return (hosts.read(f"{name}:{parts.port or PORTS[parts.scheme]}"),)
