"""Where the API token comes from, how it is cleaned, and that it is never shown, nor pickled."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from unicodedata import category

from replicate._http.options import LAST_LATIN
from replicate._http.secrecy.hiding import Sealed, opened, sealed
from replicate._http.secrecy.scrubbing import unseen
from replicate.exceptions import ReplicateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

VARIABLE = "REPLICATE_API_TOKEN"
HOW_TO = (
    f"Set the environment variable {VARIABLE}, or pass the token to the client: Replicate(bearer_token=...). "
    "Tokens are made at https://replicate.com/account/api-tokens."
)
LEFT_BEHIND = (
    "This client came from a pickle, which never carries the token, nor headers and parameters that may be secrets. "
    f"Where it has arrived, set the environment variable {VARIABLE}, or client.bearer_token = ..."
)


class Credentials:
    """A token, or something that gives one; asked anew for each request, so that rotation works.

    What was given does not go into a pickle: `arrived` says that it stayed behind when this one was made of a pickle.
    The token is sealed as soon as it is here, and no frame that has it open is in a traceback.
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
        self.arrived: bool = arrived

    @property
    def given(self) -> bool:
        """Whether there was a token of its own, here or where this comes from."""
        return self._given or self.arrived

    @property
    def rotating(self) -> bool:
        """Whether a function gives the token."""
        return self._rotating

    @property
    def hint(self) -> str | None:
        """What is to be said of it where the API refuses it."""
        return LEFT_BEHIND if self.arrived else None

    def secret(self) -> Sealed[str] | None:
        """Find the token: as given, or else of the running Cog prediction, or else in the environment.

        Raises if it cannot be one, or if what was given gives none: another account's must not stand in for it.
        """
        if self._given:
            # What a function raises keeps its frames: they are the caller's own.
            if found := unseen(clean, Sealed(self._source.open()()) if self._rotating else self._source):
                return found
            raise ReplicateError(
                f"A token was passed to the client, but it is empty: there is no API token. {HOW_TO} "
                f"The variable is used only where no token, or None, is passed."
            )
        return unseen(surrounding)

    def token(self) -> str | None:
        """Give the token that `secret` finds. A caller must not put it into a variable."""
        found = self.secret()
        return None if found is None else found.open()

    def header(self) -> Sealed[bytes] | None:
        """Give what goes into the Authorization header."""
        if (header := self._header) is None and (found := self.secret()):
            header = Sealed(f"Bearer {found.open()}".encode("latin-1"))
            self._header = header if self._given and not self._rotating else None
        return header

    def owner(self) -> int:
        """Give a number that stands for whose token it is. What gives tokens in turn is asked for none."""
        if self._rotating:
            return id(self)
        try:
            return hash(self.token())
        except ReplicateError:  # for which the next request ends
            return 0

    def known(self) -> Sealed[tuple[str, ...]]:
        """Give the tokens that are known without asking a function for one: given, and in the environment."""
        sources = (lambda: None) if self._rotating else self._source.open, lambda: os.environ.get(VARIABLE)
        return Sealed(tuple(filter(None, (bare(source()) for source in sources))))

    def __repr__(self) -> str:
        return "Credentials(...)"


def surrounding() -> Sealed[str] | None:
    """Find a token of the running Cog prediction, or else in the environment."""
    candidates = cog_token, lambda: os.environ.get(VARIABLE)
    return next(filter(None, (clean(Sealed(candidate())) for candidate in candidates)), None)


def clean(secret: Sealed[Any]) -> Sealed[str] | None:
    """Strip white space and quotes from the ends of a token, as shells and .env files leave them there.

    Raises ReplicateError for what no HTTP header can carry.
    """
    token = secret.open()
    if token is None:
        return None
    if not isinstance(token, str):  # it is whatever a function gave
        raise TypeError(f"the function that gives the API token must give a str, not {type(token).__name__}")
    stripped = bare(token) or ""
    if any(ord(character) > LAST_LATIN or category(character) == "Cc" for character in stripped):
        raise ReplicateError(f"The API token holds characters that no HTTP header can carry. {HOW_TO}")
    return Sealed(stripped) if stripped else None


def bare(token: Any) -> str | None:
    """Strip a token, if it is one."""
    return token.strip().strip("\"'").strip() or None if isinstance(token, str) else None


def cog_token() -> str | None:
    """Give the token of the prediction that this code serves, when it runs inside a Cog model."""
    cog = sys.modules.get("cog")
    current_scope = getattr(cog, "current_scope", None)
    if current_scope is None:
        return None
    try:
        context: dict[str, str] = current_scope().context
        return next((value for name, value in context.items() if name.upper() == VARIABLE), None)
    except Exception:  # noqa: BLE001 - outside a prediction Cog raises what it likes; then there is no such token
        return None
