"""Advice for errors of the API, as a table."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from replicate._http.credentials import HOW_TO, VARIABLE, bare, cog_token

BILLING = "https://replicate.com/account/billing"


LONGEST = 10_000
"""Characters of the message that are searched."""


class Hint(NamedTuple):
    """Advice for a status, if the request and the message match the patterns."""

    status: int
    advice: str
    request: str = ""
    """A pattern for the method and path."""
    said: tuple[str, ...] = ()
    """Patterns that must all occur in the title and detail. No pattern may match a text of unlimited length."""


HINTS = (
    Hint(401, HOW_TO),
    Hint(402, f"Add credit or a payment method at {BILLING}."),
    Hint(
        404,
        "Only official models run without a version: run others by client.run('owner/name'), which looks it up, or "
        "with client.predictions.create('owner/name:version'). The name may also be misspelt, or the model private.",
        request=r"^POST .*/models/[^/]+/[^/]+/predictions$",
    ),
    Hint(413, "Put the file where the model can fetch it, and pass its URL."),
    Hint(
        422,
        "A text is sent as it is: pass Path('...'), an open file or bytes for a file of yours, or its URL.",
        said=(r"format .?uri",),
    ),
    Hint(
        422,
        "This version cannot be run any more: take a newer one from client.models.versions.list('owner/name').",
        said=("version", "disabled|deprecated"),
    ),
    Hint(
        422,
        "Check the version's id with client.models.versions.list('owner/name'). Only official models go by their name "
        "alone: client.run('owner/name') looks up the version of others. If it is right, the token's account may not "
        f"see the model, or has no payment method yet: {BILLING}.",
        said=("invalid version|version does not exist|not permitted|permission to use",),
    ),
    Hint(
        429,
        f"An account with little credit may start only a few predictions a minute: add credit at {BILLING}.",
        said=("credit|payment",),
    ),
    Hint(429, "Send fewer requests at once, or set max_retries= higher, so that more of them wait for their turn."),
)
"""The first match is used."""


def hint(status: int, request: str, said: str) -> str | None:
    """Return the advice for an error, or None."""
    said = said[:LONGEST]
    return next(
        (
            each.advice
            for each in HINTS
            if each.status == status
            and re.search(each.request, request)
            and all(re.search(pattern, said, re.IGNORECASE) for pattern in each.said)
        ),
        None,
    )


def refused(authorization: str) -> str:
    """Describe where a refused token comes from, and what looks wrong with it. The token is not shown."""
    token = authorization.removeprefix("Bearer ")
    if token == bare(os.environ.get(VARIABLE)):
        place = f"of the environment variable {VARIABLE}"
    elif token == bare(cog_token()):
        place = "of the running Cog prediction"
    else:
        place = "that was passed in code"
    return " ".join(filter(None, (f"The API refused the token {place}.", flaw(token), HOW_TO)))


def flaw(token: str) -> str | None:
    """Describe what is unusual about a token; None if nothing is."""
    if token[:6].lower() == "bearer":
        return 'It begins with "Bearer": give the token alone, which begins with "r8_".'
    if any(mark in token for mark in "\"'`"):
        return 'It holds quotes: give the token alone, which begins with "r8_".'
    if not token.startswith("r8_"):
        return 'It does not begin with "r8_", as tokens do.'
    return "It holds white space." if any(character.isspace() for character in token) else None
