"""Which addresses of the internet a stranger may let us call: only such as everybody reaches by himself anyway."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from configs.hosts import Address

FOUR: Mapping[str, str] = {
    "0.0.0.0/8": "an unspecified address",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "a private address",
    "127.0.0.0/8": "a loopback address",
    "168.63.129.16/32": "a cloud's metadata address",
    "169.254.0.0/16": "a link-local address, where clouds keep their metadata",
    "172.16.0.0/12": "a private address",
    "192.0.0.0/24": "a reserved address",
    "192.0.2.0/24": "a reserved address",
    "192.88.99.0/24": "a reserved address",
    "192.168.0.0/16": "a private address",
    "198.18.0.0/15": "a private address",
    "198.51.100.0/24": "a reserved address",
    "203.0.113.0/24": "a reserved address",
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": "a reserved address",
}
"""The IANA's registry of special IPv4 addresses, and the one that Azure's metadata has among the others."""

SIX: Mapping[str, str] = {
    "::/128": "an unspecified address",
    "::1/128": "a loopback address",
    "2001::/23": "a reserved address",
    "2001:db8::/32": "a reserved address",
    "2002::/16": "a reserved address",
    "3fff::/20": "a reserved address",
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "ff00::/8": "a multicast address",
}

GLOBAL = IPv6Network("2000::/3")
"""What of IPv6 is given out for everybody to reach; of it, `SIX` has what is special all the same."""

AROUND_FOUR = tuple(IPv6Network(text) for text in ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
"""IPv6 addresses whose last 32 bits are an IPv4 address that is called in the end (mapped, translated, NAT64)."""

_FOUR = {IPv4Network(text): kind for text, kind in FOUR.items()}
_SIX = {IPv6Network(text): kind for text, kind in SIX.items()}


def read(text: str) -> Address:
    """An address as the system's resolver writes it, which may name a network card ("fe80::1%eth0")."""
    return ip_address(text.partition("%")[0])


def inner(address: Address) -> Address:
    """The IPv4 address that is called in the end where an IPv6 one is wrapped around it; any other as it is."""
    if isinstance(address, IPv6Address) and any(address in network for network in AROUND_FOUR):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def why_not(address: Address) -> str | None:
    """What kind of address it is that nobody from outside may let us call; None: it may be called."""
    address = inner(address)
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _FOUR.items() if address in network), None)
    special = next((kind for network, kind in _SIX.items() if address in network), None)
    return special or (None if address in GLOBAL else "a reserved address")
