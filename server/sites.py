"""Which sites models may be fetched from: those in `configs/downloads.json`, and those that the settings add."""

import json
import os
from urllib.parse import urlsplit

import httpx

from configs.settings import ROOT, Settings
from masking.errors import InvalidValue

LIST = ROOT / "configs" / "downloads.json"
HUB = "https://huggingface.co/"
PORTS = {"http": 80, "https": 443}


class Sites:
    """`hosts` may be named, and redirect to `redirects` and to each other; hosts below them are theirs, too.

    What `--download-hosts` and `--hf-mirror` name may do both, over http as well: a mirror at home has no certificate.
    """

    def __init__(self, settings: Settings) -> None:
        listed = json.loads(LIST.read_text(encoding="utf-8"))
        self._hosts = tuple(listed["hosts"])
        self._redirects = tuple(listed["redirects"])
        self._mirror = settings.hf_mirror.rstrip("/")
        own = [*settings.download_hosts, *([urlsplit(self._mirror).netloc] if self._mirror else [])]
        self._own = tuple(host.lower() for host in own)

    def first(self, url: str) -> httpx.URL:
        """Where to begin: the URL, or its like at the mirror. Raises InvalidValue where nothing may be fetched."""
        there = self._mirror + "/" + url.removeprefix(HUB) if self._mirror and url.startswith(HUB) else url
        try:
            parsed = httpx.URL(there)
        except (httpx.InvalidURL, UnicodeError) as problem:
            raise InvalidValue(f"{url[:200]!r} is no URL: {problem}.", field="preset") from problem
        if not self._is_own(parsed) and not self._is_listed(parsed, self._hosts):
            raise InvalidValue(f"{self._why_not(parsed)} ({url[:500]})", field="preset")
        return parsed

    def credentials(self, url: httpx.URL) -> dict[str, str]:
        """What a call carries so that the hub knows who calls: HF_TOKEN of the environment, for the hub alone."""
        hub, token = httpx.URL(self._mirror or HUB), os.environ.get("HF_TOKEN", "").strip()
        same = (url.scheme, url.host, url.port) == (hub.scheme, hub.host, hub.port)
        return {"Authorization": f"Bearer {token}"} if token and same else {}

    def why_not_on_to(self, url: httpx.URL) -> str | None:
        """Why a redirection to that URL is not followed; None: it is."""
        allowed = self._is_own(url) or self._is_listed(url, (*self._hosts, *self._redirects))
        return None if allowed else f"It was redirected, and {self._why_not(url)}"

    def _is_own(self, url: httpx.URL) -> bool:
        port = url.port or PORTS.get(url.scheme, 0)
        names = {url.host, f"{url.host}:{port}", f"[{url.host}]:{port}"}
        return url.scheme in PORTS and bool(names.intersection(self._own))

    def _is_listed(self, url: httpx.URL, hosts: tuple[str, ...]) -> bool:
        known = any(url.host == host or url.host.endswith(f".{host}") for host in hosts)
        return known and url.scheme == "https" and url.port in (None, 443)

    def _why_not(self, url: httpx.URL) -> str:
        return (
            f"nothing is fetched from {url.scheme}://{url.netloc.decode()[:200]}: it is none of the sites in "
            f"configs/{LIST.name}, which are called over https; --download-hosts allows others."
        )
