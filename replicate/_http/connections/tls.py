"""TLS contexts, made once for all clients, and only when TLS is actually used.

Loading the certificates of all authorities takes longer than most requests. httpx does it for every client it makes,
even for one that never uses TLS, and an asynchronous client blocks the event loop with it.
"""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx

from replicate._http.environment import AROUND, OptionError, VariableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn

CERT_FILE, CERT_DIR, KEY_LOG = "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"


class DeferredContext(ssl.SSLContext):
    """A context that leaves every handshake to httpx's default context. By itself it trusts nobody."""

    certificates: tuple[str | None, str | None] = (None, None)
    """The file and the folder that the environment named when this was made."""

    def load(self) -> ssl.SSLContext:
        """Return the context for handshakes. Raises VariableError."""
        return made(*self.certificates)

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return self.load().wrap_socket(*args, **kwargs)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return self.load().wrap_bio(*args, **kwargs)

    def set_alpn_protocols(self, alpn_protocols: Any) -> None:
        with suppress(VariableError, OptionError):  # raised again by the handshake, where httpcore cleans up
            self.load().set_alpn_protocols(alpn_protocols)


def deferred(*, trust_env: bool = True) -> DeferredContext:
    """Return a context that costs nothing until it is used."""
    context = DeferredContext(ssl.PROTOCOL_TLS_CLIENT)
    if trust_env:
        context.certificates = os.environ.get(CERT_FILE), os.environ.get(CERT_DIR)
    return context


@cache
def made(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Return the context that httpx would make from these variables, shared by all. Raises VariableError."""
    return fresh(cert_file, cert_dir)


def fresh(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Return a new one. The file takes precedence, as in httpx. Raises VariableError."""
    cert_file, cert_dir = as_path(cert_file), as_path(cert_dir)
    if not cert_file and cert_dir and not any(answers(Path(each).is_dir) for each in cert_dir.split(os.pathsep)):
        raise VariableError(f"{CERT_DIR} names no folder that can be read.", hint="Set it to one, or unset it.")
    context: ssl.SSLContext | None = None
    with suppress(OSError, ValueError):
        if cert_file:
            context = ssl.create_default_context(cafile=cert_file)
        elif cert_dir:
            context = ssl.create_default_context(capath=cert_dir)
        else:
            context = httpx.create_ssl_context(trust_env=False)
    if context is None or (cert_file and not context.cert_store_stats()["x509"]):
        raise_for(cert_file)
    return context


def raise_for(cert_file: str | None) -> NoReturn:
    """Raise VariableError for the variable that prevents a context, or OptionError if none does."""
    if cert_file and (problem := trouble(cert_file)):
        hint = "Set it to a file of authorities' certificates in PEM format, or unset it."
        raise VariableError(f"{CERT_FILE} names {problem}.", hint=hint)
    if os.environ.get(KEY_LOG):
        raise VariableError(f"{KEY_LOG} names a file that cannot be written.", hint="Set it to another, or unset it.")
    raise OptionError("The certificates that come with httpx (the package certifi) cannot be read.")


def as_path(value: str | None) -> str | None:
    """Return the path that the value of a variable means."""
    return value if not value or answers(Path(value).exists) else value.strip(AROUND)


def answers(question: Callable[[], bool]) -> bool:
    """Return the answer to a question about a path: False if it cannot be examined, where Python 3.11 raises errors."""
    with suppress(OSError, ValueError):
        return question()
    return False


def trouble(path: str) -> str | None:
    """Return why a file of certificates cannot be used, without showing its path, or None."""
    try:
        if answers(Path(path).is_dir):
            return "a folder"
        Path(path).open("rb").close()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(path)
    except ssl.SSLError:
        return "a file without certificates"
    except FileNotFoundError:
        return "a file that is not there"
    except (OSError, ValueError):  # ValueError for a name that no file can have
        return "a file that cannot be read"
    return None if context.cert_store_stats()["x509"] else "a file without certificates"


def context_for(options: Mapping[str, Any]) -> ssl.SSLContext:
    """Return the context for httpx's `verify`, `cert` and `trust_env`. Raises VariableError, OptionError."""
    verify: Any = options.get("verify", True)
    cert = options.get("cert")
    plain = deferred(trust_env=bool(options.get("trust_env", True)))
    if verify in (True, None):
        if not cert:
            return plain
        verify = fresh(*plain.certificates)  # not the shared one: the certificate is added to it
    given: Any = os.fspath(cast("os.PathLike[str]", verify)) if isinstance(verify, os.PathLike) else verify
    try:
        context = httpx.create_ssl_context(verify=given)
    except (OSError, ValueError):
        problem = trouble(str(given)) or "certificates that cannot be read"
    else:
        return with_cert(context, cert) if cert else context
    raise OptionError(f"verify= names {problem}.", hint="Pass an ssl.SSLContext, or a file of certificates.")


def with_cert(context: ssl.SSLContext, cert: Any) -> ssl.SSLContext:
    """Add a client certificate to a context, and return it. Raises OptionError."""
    try:
        return httpx.create_ssl_context(verify=context, cert=cert)
    except (OSError, ValueError):
        pass
    raise OptionError(
        "cert= names files that are not there, cannot be read, or hold no certificate and its key.",
        hint="Pass the path of a PEM file, or (certificate, key) or (certificate, key, password).",
    )


def check_verify(verify: Any) -> None:
    """Raise TypeError for a value that httpx would accept as a context until the first handshake."""
    if not (verify is None or isinstance(verify, (bool, str, os.PathLike)) or hasattr(verify, "wrap_socket")):
        raise TypeError(f"verify must be a bool, a path or an ssl.SSLContext, not {type(verify).__name__}")
