"""Hosts as people write them in settings: a name, an address or a network, with or without a port."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address

WITH_PORT = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>\d{1,5}))?")
NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")


@dataclass(frozen=True, kw_only=True)
class Host:
    """One of name (in lower case) and network is given. port: None means every port."""

    name: str | None = None
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def is_name(self, name: str, port: int) -> bool:
        """Whether this is the host of that name, as it stands in a URL."""
        return self.name is not None and self.name == plain(name) and self.port in (None, port)

    def holds(self, address: Address, port: int) -> bool:
        """Whether the address belongs to it."""
        return self.network is not None and address in self.network and self.port in (None, port)


def read(text: str) -> Host:
    """`pictures.example`, `pictures.example:8080`, `10.0.0.5:80`, `[::1]:80`, `10.0.0.0/8`. Raises ValueError."""
    text = text.strip()
    if (network := _network(text)) is not None:
        return Host(network=network)
    found = WITH_PORT.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) < 2**16:
        raise ValueError(f"{text!r} is no host")
    port = int(found["port"]) if found["port"] else None
    network = _network(found["six"] or found["name"])
    if network is not None:
        return Host(network=network, port=port)
    if found["six"] or not NAME.fullmatch(plain(found["name"])):
        raise ValueError(f"{text!r} is no host")
    return Host(name=plain(found["name"]), port=port)


def is_host(text: str) -> bool:
    """Whether `read` takes it."""
    try:
        return bool(read(text))
    except ValueError:
        return False


def plain(name: str) -> str:
    """A host's name as it is compared: names are the same in capitals, and with a dot at their end."""
    return name.lower().removesuffix(".")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
