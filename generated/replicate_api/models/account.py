"""What `Account` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

from ..types import UNSET, Payload

if TYPE_CHECKING:
    from .account_type import AccountType


@define(slots=False, kw_only=True, eq=False, repr=False)
class Account(Payload):
    """A user or an organization."""

    type: AccountType | str
    """Whether this is a person or an organization."""

    username: str
    """The name used in URLs and as `owner` of models and deployments."""

    avatar_url: str | None = UNSET
    """URL of the picture."""

    github_url: str | None = UNSET
    """URL of the GitHub profile."""

    name: str | None = UNSET
    """The name to display."""
