"""The operation `account_get`: `GET /account`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.account import Account


def build_request() -> types.Request:
    """Get the account.

    Return the user or organization that the API token belongs to.
    """
    return types.Request(
        "GET",
        "/account",
    )


def parse_response(content: bytes) -> Account:
    """Read the answer's JSON."""
    from ...models.account import Account

    return types.decode(content, Account.from_dict)
