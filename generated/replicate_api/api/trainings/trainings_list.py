"""The operation `trainings_list`: `GET /trainings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import types

if TYPE_CHECKING:
    from ...models.training_page import TrainingPage


def build_request() -> types.Request:
    """List trainings.

    List the trainings of the account, 100 a page, newest first.
    """
    return types.Request(
        "GET",
        "/trainings",
    )


def parse_response(content: bytes) -> TrainingPage:
    """Read the answer's JSON."""
    from ...models.training_page import TrainingPage

    return types.decode(content, TrainingPage.from_dict)
