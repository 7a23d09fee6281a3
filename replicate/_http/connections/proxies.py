"""The proxies that the environment names, read as httpx reads them.

For an invalid value, httpx raises an error when it makes a client, which is during the first request. The error may
show a proxy's password. Here, an invalid entry of NO_PROXY is ignored, and other errors name only the variable.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import httpx

from replicate._http.connections.addresses import Unfetchable, check_address
from replicate._http.environment import AROUND, OptionError, VariableError
from replicate._http.libraries import own_url
from replicate._http.secrecy.hiding import Sealed, opened
from replicate._http.secrecy.scrubbing import unseen

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMES = ("http", "https", "socks5", "socks5h")
SOCKS = ("socks5", "socks5h")
LONGEST_NAME = 255
"""Maximum bytes of a user name or a password in SOCKS."""
EXAMPLE = "http://host:3128"
SOCKS_EXTRA = 'pip install "replicate[socks]"'


def environment_proxies() -> dict[str, str | None]:
    """Return the URL of the proxy for each of httpx's URL patterns, or None for no proxy.

    Raises VariableError.
    """
    return unseen(lambda: read(getproxies()))  # a display of local variables must not show passwords


def read(found: Mapping[str, str]) -> dict[str, str | None]:
    """Parse the result of `urllib.request.getproxies`. Raises VariableError."""
    entries = [entry.strip(AROUND) for entry in found.get("no", "").strip(AROUND).split(",")]
    if "*" in entries:
        return {}
    proxies: dict[str, str | None] = {}
    for scheme in ("http", "https", "all"):
        if not (value := found.get(scheme, "").strip(AROUND)):
            continue
        url = as_url(value)
        if problem := trouble(url):
            if scheme == "all" and len(proxies) == 2:
                continue  # the other two cover all URLs
            raise VariableError(f"{variable(scheme)} {problem[0]}.", hint=f"{problem[1]}, or unset it.")
        proxies[f"{scheme}://"] = url
    direct = {pattern: None for entry in entries if entry and is_pattern(pattern := without_proxy(entry))}
    return {**proxies, **direct}


def as_url(value: str) -> str:
    """Return the URL that the value of a variable means."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        return f"http://{value}"
    # The proxy resolves host names in either case, and httpx 0.27 does not know socks5h.
    return f"socks5://{rest}" if scheme.lower() in ("socks", "socks5h") else value


def trouble(url: Any) -> tuple[str, str] | None:
    """Return what is wrong with a proxy's URL, without showing it, and what to do about it, or None."""
    wrong, missing = None, False
    try:
        read = httpx.URL(own_url(url))
        check_address(read)
    except Unfetchable as error:
        wrong = str(error)
    except (httpx.InvalidURL, ValueError):
        wrong = "it cannot be read"
    else:
        if read.scheme not in SCHEMES:
            wrong = f"its scheme is none of {', '.join(SCHEMES)}"
        elif read.port is not None and read.port <= 0:
            wrong = "its port is none that there is"
        elif read.scheme in SOCKS:
            longest = max(len(part.encode()) for part in (read.username, read.password))
            wrong = "its user name or password is too long for SOCKS" if longest > LONGEST_NAME else None
            missing = not is_installed("socksio")
    if wrong:
        return f"is no URL of a proxy: {wrong}", f"Set it to one such as {EXAMPLE}"
    return ("names a SOCKS proxy, for which a package is missing", f"Install that: {SOCKS_EXTRA}") if missing else None


def is_installed(package: str) -> bool:
    """Return whether a package is installed that httpx needs for a feature."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def variable(scheme: str) -> str:
    """Return the name of the variable for a scheme's proxy. Python accepts any case, and prefers lower case."""
    name = f"{scheme}_proxy"
    if name in os.environ:
        return name
    found = [each for each in os.environ if each.lower() == name]
    return found[-1] if found else f"The system's {scheme} proxy"


def without_proxy(entry: str) -> str:
    """Return httpx's pattern for an entry of NO_PROXY."""
    if "://" in entry:
        return entry
    address, _, rest = entry.removeprefix("[").partition("]")
    if is_address(entry, IPv4Address) or entry.lower() == "localhost":
        return f"all://{entry}"
    if is_address(address, IPv6Address):
        return f"all://[{address}]{rest}"
    return f"all://*{entry}"


def is_address(text: str, kind: type[IPv4Address | IPv6Address]) -> bool:
    """Return whether a text is an IP address or network."""
    try:
        kind(text.partition("/")[0])
    except ValueError:
        return False
    return True


def is_pattern(text: str) -> bool:
    """Return whether httpx can parse a URL pattern."""
    try:
        _ = httpx.URL(text).host  # decodes it
    except (httpx.InvalidURL, ValueError):
        return False
    return True


def check_proxy(proxy: Sealed[Any] | None) -> None:
    """Check a `proxy=`, without showing it. Raises OptionError, or TypeError if it is neither a URL nor a proxy."""
    if proxy is not None:
        unseen(check_opened, proxy)


def check_opened(sealed: Sealed[Any]) -> None:
    """Check it in a frame that is removed from errors."""
    proxy = opened(sealed)
    url = getattr(proxy, "url", proxy)
    if not isinstance(own_url(url), (str, httpx.URL)):
        raise TypeError(f"proxy must be a str, an httpx.URL or an httpx.Proxy, not {type(proxy).__name__}")
    if problem := trouble(url):
        raise OptionError(f"proxy= {problem[0]}.", hint=f"{problem[1]}.")
