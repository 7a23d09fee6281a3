"""What usually helps against an error of the API, as a table."""

from __future__ import annotations

import re
from typing import NamedTuple

from replicate._core.credentials import HOW_TO

BILLING = "https://replicate.com/account/billing"


LONGEST = 10_000
"""Characters of what was said that are looked at."""


class Hint(NamedTuple):
    """What usually helps with a status, if the request and what was said are so."""

    status: int
    advice: str
    request: str = ""
    """A pattern of the method and path."""
    said: tuple[str, ...] = ()
    """Patterns that are all found in the title and detail, wherever. None may match a text of any length."""


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
        "This version cannot be run any more: take a newer one from client.models.versions.list().",
        said=("version", "disabled|deprecated"),
    ),
    Hint(
        422,
        "Check the version's id with client.models.versions.list(). Only official models go by their name alone: "
        "client.run('owner/name') looks up the version of others. If it is right, the token's account may not see the "
        f"model, or has no payment method yet: {BILLING}.",
        said=("invalid version|version does not exist|not permitted|permission to use",),
    ),
    Hint(
        429,
        f"An account with little credit may start only a few predictions a minute: add credit at {BILLING}.",
        said=("credit|payment",),
    ),
    Hint(429, "Send fewer requests at once, or set max_retries= higher, so that more of them wait for their turn."),
)
"""The first that fits counts."""


def hint(status: int, request: str, said: str) -> str | None:
    """Find what usually helps."""
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
