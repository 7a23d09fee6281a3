"""Recognising secrets by their name or by their form. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from replicate._http.secrecy.hiding import Sealed
from replicate._json import is_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = {
    "apikey", "assertion", "auth", "authentication", "authorization", "cookie", "credential", "credentials", "jwt",
    "passwd", "password", "secret", "sig", "signature", "token",
}  # fmt: skip
"""Words in names of headers and parameters with secrets. A "key" after another word is one too."""
SCHEME = re.compile(r"\s*(?:basic|bearer|digest|token)\s", re.IGNORECASE)
"""How credentials begin."""
TOKEN = re.compile(r"r8_\w{8,}")
"""The form of Replicate's tokens."""
USER = re.compile(r"//[^/?#]*@")
"""A user name and password in a URL."""
SHORTEST_TOKEN = 8
"""Characters. A shorter one may occur in a text by chance."""
Tokens: TypeAlias = Sealed[tuple[str, ...]]
NO_TOKENS: Tokens = Sealed(())


def is_secret(name: str, value: Any, tokens: Tokens = NO_TOKENS) -> bool:
    """Return whether a header, parameter or member may be a secret. An empty value, or UNSET, is not."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    named = not SECRETS.isdisjoint(words) or (len(words) > 1 and words[-1] in ("key", "keys"))
    return (named and bool(value)) or any(shows(text, tokens) for text in texts(value))


def shows(text: str, tokens: Tokens) -> bool:
    """Return whether a text contains a token or a password."""
    known = any(each in text if len(each) >= SHORTEST_TOKEN else each == text for each in tokens.open())
    return known or bool(SCHEME.match(text) or TOKEN.search(text) or USER.search(text))


def texts(value: Any) -> list[str]:
    """List the texts in a value."""
    if isinstance(value, bytes):
        return [value.decode("latin-1")]
    if isinstance(value, str):
        return [value]
    if is_mapping(value):
        return [text for item in value.items() for text in texts(item)]
    collected = isinstance(value, (list, tuple, set, frozenset))
    return [text for each in cast("Any", value) for text in texts(each)] if collected else []


def without_secrets(values: Mapping[str, Any], tokens: Tokens = NO_TOKENS) -> dict[str, Any]:
    """Return a mapping without values that may be secrets, also in nested mappings."""
    return {
        name: without_secrets(value, tokens) if is_mapping(value) else value
        for name, value in values.items()
        if not is_secret(name, bool(value) if is_mapping(value) else value, tokens)
    }
