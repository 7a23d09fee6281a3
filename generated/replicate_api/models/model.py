"""What `Model` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define

from ..types import UNSET, Payload, Timestamp, timestamp

if TYPE_CHECKING:
    from .prediction import Prediction
    from .version import Version
    from .visibility import Visibility


@define(slots=False, kw_only=True, eq=False, repr=False)
class Model(Payload):
    """A machine learning model."""

    cover_image_url: str | None = UNSET
    """URL of the picture shown for the model."""

    created_at: Timestamp | None = UNSET
    """When the model was made."""

    default_example: Prediction | None = UNSET
    """One run of a model."""

    description: str | None = UNSET
    """What the model does, in a sentence."""

    github_url: str | None = UNSET
    """URL of the source code, on GitHub."""

    is_official: bool | None = UNSET
    """Whether this is an official model: always on, priced predictably, and run by `owner/name` without a version."""

    latest_version: Version | None = UNSET
    """One build of a model."""

    license_url: str | None = UNSET
    """URL of the license."""

    name: str | None = UNSET
    """The name of the model without its owner: `hello-world` in `acme/hello-world`."""

    owner: str | None = UNSET
    """The user or organization that owns the model: `acme` in `acme/hello-world`."""

    paper_url: str | None = UNSET
    """URL of the paper behind the model."""

    run_count: int | None = UNSET
    """How often the model has been run."""

    url: str | None = UNSET
    """The model's page on the website."""

    visibility: Visibility | str | None = UNSET
    """`public` for everyone; `private` for its owner alone."""

    weights_url: str | None = UNSET
    """Where the model's weights are."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        from .prediction import Prediction
        from .version import Version

        return {
            "created_at": timestamp,
            "default_example": Prediction.from_dict,
            "latest_version": Version.from_dict,
        }
