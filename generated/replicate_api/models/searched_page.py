"""What `SearchedPage` holds."""

from __future__ import annotations

from attrs import define

from ..types import Payload


@define(slots=False, kw_only=True, eq=False, repr=False)
class SearchedPage(Payload):
    """A documentation page."""

    href: str
    """Where the page is: a URL, or a path on the website."""

    name: str
    """The title of the page."""
