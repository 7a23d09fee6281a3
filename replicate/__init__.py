"""Run AI models on Replicate.

    import replicate

    flux = replicate.use("black-forest-labs/flux-schnell")
    [image] = flux(prompt="a llama in the rain")
    image.save("llama.webp")

The functions of this module use a client that is made on first use, with the token from REPLICATE_API_TOKEN. Names are
loaded when they are first used, so that `import replicate` costs next to nothing.
"""

TYPE_CHECKING = False  # type checkers know the name; importing it from typing would take longer than all of this
if TYPE_CHECKING:
    from replicate._core.options import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT
    from replicate._core.sse import ServerSentEvent
    from replicate._data.outputs import FileOutput
    from replicate._data.reference import ModelVersionIdentifier
    from replicate._flows.output import OutputIterator
    from replicate._version import __version__
    from replicate.client import AsyncReplicate, Client, Replicate
    from replicate.exceptions import (
        AmbiguousCreateError,
        APIConnectionError,
        APIError,
        APIResponseValidationError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConflictError,
        InsufficientCreditError,
        InternalServerError,
        ModelError,
        NotFoundError,
        PermissionDeniedError,
        PredictionCanceled,
        PredictionTimeout,
        RateLimitError,
        ReplicateError,
        ReplicateException,
        RequestTooLargeError,
        StreamError,
        UnprocessableEntityError,
    )
    from replicate.resources.files import File
    from replicate.resources.models import Model
    from replicate.resources.predictions import Prediction
    from replicate.resources.versions import Version

    AsyncClient = AsyncReplicate
    default_client = Client()
    files = default_client.files
    models = default_client.models
    predictions = default_client.predictions
    run = default_client.run
    stream = default_client.stream
    use = default_client.use

_HOMES = {
    "replicate.client": ("AsyncReplicate", "Client", "Replicate"),
    "replicate.exceptions": (
        "AmbiguousCreateError",
        "APIConnectionError",
        "APIError",
        "APIResponseValidationError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ConflictError",
        "InsufficientCreditError",
        "InternalServerError",
        "ModelError",
        "NotFoundError",
        "PermissionDeniedError",
        "PredictionCanceled",
        "PredictionTimeout",
        "RateLimitError",
        "ReplicateError",
        "ReplicateException",
        "RequestTooLargeError",
        "StreamError",
        "UnprocessableEntityError",
    ),
    "replicate._core.options": ("DEFAULT_MAX_RETRIES", "DEFAULT_TIMEOUT"),
    "replicate._core.sse": ("ServerSentEvent",),
    "replicate._data.outputs": ("FileOutput",),
    "replicate._data.reference": ("ModelVersionIdentifier",),
    "replicate._flows.output": ("OutputIterator",),
    "replicate._version": ("__version__",),
    "replicate.resources.files": ("File",),
    "replicate.resources.models": ("Model",),
    "replicate.resources.predictions": ("Prediction",),
    "replicate.resources.versions": ("Version",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_OF_DEFAULT_CLIENT = ("files", "models", "predictions", "run", "stream", "use")

__all__ = [
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AmbiguousCreateError",
    "AsyncClient",
    "AsyncReplicate",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "ConflictError",
    "File",
    "FileOutput",
    "InsufficientCreditError",
    "InternalServerError",
    "Model",
    "ModelError",
    "ModelVersionIdentifier",
    "NotFoundError",
    "OutputIterator",
    "PermissionDeniedError",
    "Prediction",
    "PredictionCanceled",
    "PredictionTimeout",
    "RateLimitError",
    "Replicate",
    "ReplicateError",
    "ReplicateException",
    "RequestTooLargeError",
    "ServerSentEvent",
    "StreamError",
    "UnprocessableEntityError",
    "Version",
    "__version__",
    "default_client",
    "files",
    "models",
    "predictions",
    "run",
    "stream",
    "use",
]


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    from importlib import import_module

    if name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    elif name == "AsyncClient":
        value = import_module("replicate.client").AsyncReplicate
    elif name == "default_client":
        value = import_module("replicate.client").Client()
    elif name in _OF_DEFAULT_CLIENT:
        from replicate import default_client

        return getattr(default_client, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Two threads may both get here: the first to set it wins.
    return globals().setdefault(name, value)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
