"""The API token: its sources, how it is cleaned, and how it is kept out of sight and of pickles."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from replicate._http.secrecy.hiding import Sealed, opened, sealed
from replicate._http.secrecy.scrubbing import unseen
from replicate.exceptions import ReplicateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

VARIABLE = "REPLICATE_API_TOKEN"
UNSENDABLE = re.compile(r"[^ -~\xa0-\xff]")
"""Characters that no HTTP header can carry: control characters, and those outside ISO 8859-1."""
HOW_TO = (
    f"Set the environment variable {VARIABLE}, or pass the token to the client: Replicate(bearer_token=...). "
    "Tokens are made at https://replicate.com/account/api-tokens."
)
LEFT_BEHIND = (
    "This client came from a pickle, which never carries the token, nor headers and parameters that may be secrets. "
    f"Where it has arrived, set the environment variable {VARIABLE}, or client.bearer_token = ..."
)


class Credentials:
    """A token, or a function that returns one. It is read for each request, so that tokens can rotate.

    The token does not go into a pickle: `arrived` says that it was left out of the pickle that this was made from. It
    is sealed immediately, and no traceback has a frame in which it is open.
    """

    def __init__(self, source: str | Callable[[], str | None] | None = None, *, arrived: bool = False) -> None:
        given: Any = sealed(source)
        source = None
        self._given, self._rotating = given is not None, callable(opened(given))
        if self._given and not self._rotating and not isinstance(opened(given), str):
            name = type(opened(given)).__name__
            raise TypeError(f"the API token must be a str or a function that gives one, not {name}")
        self._source: Sealed[Any] = given if self._given else Sealed(None)
        self._header: Sealed[bytes] | None = None
        self._owner: int | None = None
        self.arrived: bool = arrived

    @property
    def given(self) -> bool:
        """Whether a token was passed, here or where the pickle was made."""
        return self._given or self.arrived

    @property
    def rotating(self) -> bool:
        """Whether a function returns the token."""
        return self._rotating

    @property
    def hint(self) -> str | None:
        """A hint for the error if the API refuses the token."""
        return LEFT_BEHIND if self.arrived else None

    def secret(self) -> Sealed[str] | None:
        """Return the token: the one passed, or else that of the running Cog prediction, or else the environment's.

        Raises if it is invalid, or if one was passed that is empty: a token of another account must not replace it.
        """
        if self._given:
            # Errors of a caller's function keep their frames, as these are the caller's own.
            if found := unseen(clean, Sealed(self._source.open()()) if self._rotating else self._source):
                return found
            raise ReplicateError(
                f"A token was passed to the client, but it is empty: there is no API token. {HOW_TO} "
                f"The variable is used only where no token, or None, is passed."
            )
        return unseen(surrounding)

    def token(self) -> str | None:
        """Return the token that `secret` finds. A caller must not store it in a variable."""
        found = self.secret()
        return None if found is None else found.open()

    def header(self) -> Sealed[bytes] | None:
        """Return the value of the Authorization header."""
        if (header := self._header) is None and (found := self.secret()):
            header = Sealed(f"Bearer {found.open()}".encode("latin-1"))
            self._header = header if self._given and not self._rotating else None
        return header

    def owner(self) -> int:
        """Return a number that identifies the token's account. A function that returns tokens is not called."""
        if self._rotating:
            return id(self)
        if (owner := self._owner) is None:
            try:
                owner = hash(self.token())
            except ReplicateError:  # for which the next request ends
                owner = 0
            self._owner = owner if self._given else None
        return owner

    def known(self) -> Sealed[tuple[str, ...]]:
        """Return the tokens that are known without calling a function: the passed one, and the environment's."""
        sources = (lambda: None) if self._rotating else self._source.open, lambda: os.environ.get(VARIABLE)
        return Sealed(tuple(filter(None, (bare(source()) for source in sources))))

    def __repr__(self) -> str:
        return "Credentials(...)"


def surrounding() -> Sealed[str] | None:
    """Return the token of the running Cog prediction, or else the environment's."""
    return clean(Sealed(cog_token())) or clean(Sealed(os.environ.get(VARIABLE)))


def clean(secret: Sealed[Any]) -> Sealed[str] | None:
    """Strip white space and quotes from the ends of a token, where shells and .env files leave them.

    Raises ReplicateError for characters that HTTP headers cannot carry, TypeError for another type.
    """
    token = secret.open()
    if token is None:
        return None
    if not isinstance(token, str):  # returned by the caller's function
        raise TypeError(f"the function that gives the API token must give a str, not {type(token).__name__}")
    stripped = bare(token) or ""
    if UNSENDABLE.search(stripped):
        raise ReplicateError(f"The API token holds characters that no HTTP header can carry. {HOW_TO}")
    return Sealed(stripped) if stripped else None


def bare(token: Any) -> str | None:
    """Return a token stripped; None if it is empty or not a string."""
    return token.strip().strip("\"'").strip() or None if isinstance(token, str) else None


def cog_token() -> str | None:
    """Return the token of the prediction that this code serves, if it runs inside a Cog model."""
    cog = sys.modules.get("cog")
    current_scope = getattr(cog, "current_scope", None)
    if current_scope is None:
        return None
    try:
        context: dict[str, str] = current_scope().context
        return next((value for name, value in context.items() if name.upper() == VARIABLE), None)
    except Exception:  # noqa: BLE001 - outside a prediction, Cog may raise anything; there is no token then
        return None
