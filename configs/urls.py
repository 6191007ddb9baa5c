"""URLs, their parts, and the addresses that servers listen on, as people write them in settings."""

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit


def is_web_url(text: str) -> bool:
    """Whether it is a whole http:// or https:// URL with a host."""
    try:
        split = urlsplit(text)
        return split.scheme in ("http", "https") and bool(split.hostname) and (split.port or 1) > 0
    except ValueError:
        return False


def is_origin(text: str) -> bool:
    """Whether it is what browsers send as `Origin`: a scheme, a host and perhaps a port; or * for every one."""
    return text in ("*", "null") or (
        is_web_url(text) and not re.search(r"[/?#@]", text.partition("://")[2].rstrip("/"))
    )


def is_loopback(listen: str) -> bool:
    """Whether only this machine can reach a server on that address."""
    try:
        return listen == "localhost" or ip_address(listen).is_loopback
    except ValueError:
        return False


def is_path(text: str) -> bool:
    """Whether it is a URL's path of plain words, such as /gesso/one; "" is one, too."""
    return re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", text) is not None


def is_network(text: str) -> bool:
    """Whether it is an address, a network, or * for all."""
    try:
        return text == "*" or bool(ip_network(text, strict=False))
    except ValueError:
        return False
