"""Which hosts are private, by name or by address in any notation. No name is resolved here."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

THIS_MACHINE = tuple(map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "::/128", "::1/128")))
PRIVATE = (
    *THIS_MACHINE,
    *map(
        ip_network,
        (
            "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
            "168.63.129.16/32",  # public, but Azure's machines reach their platform there
            "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/9", "ff00::/8",
        ),
    ),
)  # fmt: skip
"""Networks that are not public: https://www.iana.org/assignments/iana-ipv4-special-registry, and the one for IPv6."""
PRETENDED = IPv4Network("198.18.0.0/15")
"""Some VPNs (Clash, Surge, sing-box) resolve all public names to this network, and then connect by name. The network is
reserved for benchmarks, and carries no services."""
NAMES = (
    "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa",
)  # fmt: skip
"""Private names and suffixes: RFC 6761, RFC 6762 (appendix G), RFC 8375, ICANN's `.internal`."""
EMBEDDING: tuple[tuple[IPv6Network, int], ...] = (
    (IPv6Network("::/96"), 0),
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
)
"""IPv6 networks whose addresses contain an IPv4 address, and the number of bits after it."""
TEREDO = IPv6Network("2001::/32")
ISATAP = 0x5EFE
ALL_BITS = 0xFFFFFFFF
NUMBER = re.compile(r"0x([0-9a-f]*)|([0-9]+)")
MOST_NUMBERS = 4


def is_private(host: str) -> bool:
    """Return whether the host of a URL is private, by its name or by its address as any resolver may read it.

    A name that ends in a number but is not an address counts as private: no public host has such a name.
    """
    host = plain(unquote(host))
    if address := ipv6(host):
        return is_private_address(address)
    if any(host == name or host.endswith(f".{name}") for name in NAMES):
        return True
    if not NUMBER.fullmatch(host.rpartition(".")[2]):
        return False
    addresses = [*ipv4(host)]
    return not addresses or any(map(is_private_address, addresses))


def is_private_address(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is not on the public internet, or contains an IPv4 address that is not."""
    if any(address in network for network in PRIVATE):
        return True
    return isinstance(address, IPv6Address) and any(map(is_private_address, embedded(address)))


def is_private_peer(address: str) -> bool:
    """Return whether a resolved address is private. An address that a VPN uses in place of public ones is not."""
    found = ipv6(address)
    pretended = [found.ipv4_mapped] if found else ipv4(address)
    return is_private(address) and not any(each in PRETENDED for each in pretended if each)


def is_same(host: str, own: str) -> bool:
    """Return whether two names mean the same host. All names and addresses of this machine do."""
    host, own = plain(host), plain(own)
    return host == own or (is_this_machine(host) and is_this_machine(own))


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine."""
    host = plain(host)
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = ipv6(host)
    addresses = [address.ipv4_mapped or address] if address else [*ipv4(host)]
    return any(each in network for each in addresses for network in THIS_MACHINE)


def plain(host: str) -> str:
    """Normalize a host: lower case, without brackets, zone and trailing dots."""
    host = host.lower().strip("[]")
    return (host.partition("%")[0] if ":" in host else host).rstrip(".")


def ipv6(host: str) -> IPv6Address | None:
    """Return a text as an IPv6 address, or None."""
    try:
        return IPv6Address(host)
    except ValueError:
        return None


def ipv4(host: str) -> Iterator[IPv4Address]:
    """Yield the addresses that `inet_aton` and the like read from a text: 1 to 4 numbers, the last fills the rest.

    Most resolvers take a number with a leading 0 as octal, some as decimal.
    """
    parts = host.split(".")
    if len(parts) > MOST_NUMBERS:
        return
    for *first, last in product(*map(numbers, parts)):
        if last < 1 << 8 * (4 - len(first)) and all(number < 1 << 8 for number in first):
            yield IPv4Address(sum(number << 8 * (3 - at) for at, number in enumerate(first)) + last)


def numbers(text: str) -> set[int]:
    """Return the numbers that a text can mean."""
    found = NUMBER.fullmatch(text)
    if not found or len(text) > 50:
        return set()
    hexadecimal, decimal = found.groups()
    if decimal is None:
        return {int(hexadecimal or "0", 16)}
    return {int(decimal)} | ({int(decimal, 8)} if decimal.startswith("0") and not set(decimal) & {"8", "9"} else set())


def embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses to which an IPv6 address leads, through a translator or a tunnel."""
    value = int(address)
    for network, after in EMBEDDING:
        if address in network:
            yield IPv4Address(value >> after & ALL_BITS)
    if address in TEREDO:
        yield IPv4Address(value & ALL_BITS ^ ALL_BITS)
    if value >> 32 & 0xFFFF == ISATAP:
        yield IPv4Address(value & ALL_BITS)
