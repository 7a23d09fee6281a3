"""Where the API token comes from, how it is cleaned, and that it is never shown, nor pickled."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from unicodedata import category

from replicate._core.options import LAST_LATIN
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
    """

    def __init__(self, source: str | Callable[[], str | None] | None = None, *, arrived: bool = False) -> None:
        if not (source is None or isinstance(source, str) or callable(source)):
            raise TypeError(f"the API token must be a str or a function that gives one, not {type(source).__name__}")
        self._given, self._rotating = source is not None, callable(source)
        self._source = source if callable(source) else lambda: source  # vars() must not show it
        self.arrived: bool = arrived

    @property
    def given(self) -> bool:
        """Whether there was a token of its own, here or where this comes from."""
        return self._given or self.arrived

    @property
    def hint(self) -> str | None:
        """What is to be said of it where the API refuses it."""
        return LEFT_BEHIND if self.arrived else None

    def token(self) -> str | None:
        """Find the token: as given, or else of the running Cog prediction, or else in the environment.

        Raises if it cannot be one, or if what was given gives none: another account's must not stand in for it.
        """
        if self._given:
            if cleaned := clean(self._source()):
                return cleaned
            raise ReplicateError(
                f"A token was passed to the client, but it is empty: there is no API token. {HOW_TO} "
                f"The variable is used only where no token, or None, is passed."
            )
        for candidate in (cog_token(), os.environ.get(VARIABLE)):
            if cleaned := clean(candidate):
                return cleaned
        return None

    def owner(self) -> int:
        """Give a number that stands for whose token it is. What gives tokens in turn is asked for none."""
        if self._rotating:
            return id(self)
        try:
            return hash(self.token())
        except ReplicateError:  # for which the next request ends
            return 0

    def known(self) -> tuple[str, ...]:
        """Give the tokens that are known without asking a function for one: given, and in the environment."""
        given = None if self._rotating else self._source()
        return tuple(token for token in (bare(given), bare(os.environ.get(VARIABLE))) if token)

    def __repr__(self) -> str:
        return "Credentials(...)"


def clean(token: str | None) -> str | None:
    """Strip white space and quotes from the ends, as shells and .env files leave them there.

    Raises ReplicateError for what no HTTP header can carry.
    """
    if token is None:
        return None
    if not isinstance(token, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # it is whatever a function gave
        raise TypeError(f"the function that gives the API token must give a str, not {type(token).__name__}")
    stripped = bare(token) or ""
    if any(ord(character) > LAST_LATIN or category(character) == "Cc" for character in stripped):
        raise ReplicateError(f"The API token holds characters that no HTTP header can carry. {HOW_TO}")
    return stripped or None


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
