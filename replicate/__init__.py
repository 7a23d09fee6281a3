"""Run AI models on Replicate.

    import replicate

    flux = replicate.use("black-forest-labs/flux-schnell")
    [image] = flux(prompt="a llama in the rain")
    image.save("llama.webp")

The functions of this module use a default client. It is created on first use, with the token from
REPLICATE_API_TOKEN. To configure it, set attributes of this module: `replicate.bearer_token = …`, `base_url`,
`timeout`, `max_retries`, `default_headers`, `default_query`, `http_client`, `output_dir`, `allow_private_hosts`,
`max_response_bytes`, `observers`.

Each name is loaded on first use, which keeps `import replicate` fast.
"""

import sys

TYPE_CHECKING = False  # type checkers know the name; importing typing would take longer than this whole module
if TYPE_CHECKING:  # the settings
    import os
    from collections.abc import Callable, Iterable, Mapping
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Final

    import httpx

    from replicate._dual.colours import Sync
    from replicate.resources.account import Accounts
    from replicate.resources.collections import Collections
    from replicate.resources.deployments import Deployments
    from replicate.resources.files import Files
    from replicate.resources.hardware import HardwareNamespace
    from replicate.resources.models import Models
    from replicate.resources.predictions import Predictions
    from replicate.resources.trainings import Trainings
    from replicate.resources.webhooks import Webhooks

    api_token: str | Callable[[], str | None] | None
    bearer_token: str | Callable[[], str | None] | None
    base_url: str | httpx.URL | None
    timeout: float | httpx.Timeout | None
    max_retries: int
    default_headers: Mapping[str, str] | None
    default_query: Mapping[str, Any] | None
    http_client: httpx.Client | None
    output_dir: str | os.PathLike[str] | None
    allow_private_hosts: bool
    max_response_bytes: int
    observers: Iterable[object] | None
else:
    ModuleType = type(sys)

if TYPE_CHECKING:  # the public names
    from types import NoneType

    from httpx import BaseTransport as Transport
    from httpx import Timeout

    from replicate._compat.version1 import EventSource as AsyncStream
    from replicate._compat.version1 import EventSource as Stream
    from replicate._compat.version2 import ProxiesTypes, file_from_path, get_path_url
    from replicate._flows.output_iterator import OutputIterator
    from replicate._http.connections.default_clients import (
        DEFAULT_CONNECTION_LIMITS,
        DefaultAioHttpClient,
        DefaultAsyncHttpxClient,
        DefaultHttpxClient,
    )
    from replicate._http.options import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT, RequestOptions
    from replicate._http.sse import ServerSentEvent
    from replicate._models.reference import ModelVersionIdentifier
    from replicate._objects.page import Page
    from replicate._objects.paginate import async_paginate, paginate
    from replicate._objects.response import APIResponse
    from replicate._objects.response import APIResponse as AsyncAPIResponse
    from replicate._observer import Observer
    from replicate._outputs.file_output import FileOutput
    from replicate._outputs.file_output import FileOutput as AsyncFileOutput
    from replicate._outputs.file_output import FileOutput as URLPath
    from replicate._outputs.output_list import OutputList
    from replicate._version import __title__, __version__
    from replicate.client import AsyncReplicate, Client, Replicate
    from replicate.client import AsyncReplicate as AsyncClient
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
        DataRemovedError,
        FileExpiredError,
        FileTooLargeError,
        InputError,
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
        RunError,
        SaveError,
        StreamError,
        UnprocessableEntityError,
    )
    from replicate.resources.account import Account
    from replicate.resources.collections import Collection
    from replicate.resources.deployments import Deployment
    from replicate.resources.files import File
    from replicate.resources.hardware import Hardware
    from replicate.resources.models import Model
    from replicate.resources.predictions import Prediction
    from replicate.resources.trainings import Training
    from replicate.resources.versions import Version
    from replicate_api.types import UNSET as NOT_GIVEN
    from replicate_api.types import Payload as BaseModel
    from replicate_api.types import Unset as NotGiven
    from replicate_api.types import Unset as Omit

    not_given = omit = NOT_GIVEN
    default_client: Client = Client()
    account: Accounts[Sync]
    accounts: Accounts[Sync]
    async_run: Final = AsyncReplicate().run
    async_stream: Final = AsyncReplicate().stream
    collections: Collections[Sync]
    deployments: Deployments[Sync]
    files: Files[Sync]
    hardware: HardwareNamespace[Sync]
    models: Models[Sync]
    predictions: Predictions[Sync]
    run: Final = default_client.run
    save_all: Final = default_client.save_all
    search: Final = default_client.search
    stream: Final = default_client.stream
    trainings: Trainings[Sync]
    use: Final = default_client.use
    webhooks: Webhooks[Sync]

_HOMES = {
    "httpx": "Timeout Transport=BaseTransport",
    "replicate._compat.version1": "AsyncStream=EventSource Stream=EventSource",
    "replicate._compat.version2": "ProxiesTypes file_from_path get_path_url",
    "replicate._http.connections.default_clients": "DEFAULT_CONNECTION_LIMITS DefaultAioHttpClient "
    "DefaultAsyncHttpxClient DefaultHttpxClient",
    "replicate._http.error_responses": "_error_of=error_of",
    "replicate._http.errors": "_connection_errors=PAIRS",
    "replicate._objects.response": "APIResponse AsyncAPIResponse=APIResponse",
    "replicate.resources.account": "Account",
    "replicate.resources.collections": "Collection",
    "replicate.resources.deployments": "Deployment",
    "replicate.resources.hardware": "Hardware",
    "replicate.resources.trainings": "Training",
    "replicate._http.options": "DEFAULT_MAX_RETRIES DEFAULT_TIMEOUT RequestOptions",
    "replicate._objects.page": "Page",
    "replicate._objects.paginate": "async_paginate paginate",
    "replicate._http.sse": "ServerSentEvent",
    "replicate._outputs.output_list": "OutputList",
    "replicate._outputs.file_output": "AsyncFileOutput=FileOutput FileOutput URLPath=FileOutput",
    "replicate._models.reference": "ModelVersionIdentifier",
    "replicate._flows.output_iterator": "OutputIterator",
    "replicate._observer": "Observer",
    "replicate._version": "__title__ __version__",
    "replicate.client": "AsyncClient=AsyncReplicate AsyncReplicate Client Replicate",
    "replicate.exceptions": "AmbiguousCreateError APIConnectionError APIError APIResponseValidationError "
    "APIStatusError APITimeoutError AuthenticationError BadRequestError ConflictError DataRemovedError "
    "FileExpiredError FileTooLargeError InputError InsufficientCreditError InternalServerError ModelError "
    "NotFoundError PermissionDeniedError PredictionCanceled PredictionTimeout RateLimitError ReplicateError "
    "ReplicateException RequestTooLargeError RunError SaveError StreamError UnprocessableEntityError",
    "replicate.resources.files": "File",
    "replicate.resources.models": "Model",
    "replicate.resources.predictions": "Prediction",
    "replicate.resources.versions": "Version",
    "replicate_api.types": "BaseModel=Payload NOT_GIVEN=UNSET NotGiven=Unset Omit=Unset not_given=UNSET omit=UNSET",
    "types": "NoneType",
}
"""Modules of the public names; `Name=Other` if the module calls it `Other`."""

_HOME_OF = {
    name: (module, other or name)
    for module, names in _HOMES.items()
    for name, _, other in (entry.partition("=") for entry in names.split())
}
_OF_DEFAULT_CLIENT = (
    "account", "accounts", "async_run", "async_stream", "collections", "deployments", "files", "hardware", "models",
    "predictions", "run", "save_all", "search", "stream", "trainings", "use", "webhooks",
)  # fmt: skip
_SETTINGS = (
    "bearer_token", "base_url", "timeout", "max_retries", "default_headers", "default_query", "http_client",
    "output_dir", "allow_private_hosts", "max_response_bytes", "observers",
)  # fmt: skip
_SUBMODULES = ("client", "exceptions", "resources", "types", "webhook")
_WIDENED = ("client", "resources", "webhook")
"""Modules that get the names of earlier versions as soon as they are imported."""

# fmt: off
__all__ = [
    "DEFAULT_CONNECTION_LIMITS", "DEFAULT_MAX_RETRIES", "DEFAULT_TIMEOUT", "NOT_GIVEN", "APIConnectionError",
    "APIError", "APIResponse", "APIResponseValidationError", "APIStatusError", "APITimeoutError", "Account",
    "AmbiguousCreateError", "AsyncAPIResponse", "AsyncClient", "AsyncFileOutput", "AsyncReplicate", "AsyncStream",
    "AuthenticationError", "BadRequestError", "BaseModel", "Client", "Collection", "ConflictError", "DataRemovedError",
    "DefaultAioHttpClient", "DefaultAsyncHttpxClient", "DefaultHttpxClient", "Deployment", "File", "FileExpiredError",
    "FileOutput", "FileTooLargeError", "Hardware", "InputError", "InsufficientCreditError", "InternalServerError",
    "Model", "ModelError", "ModelVersionIdentifier", "NoneType", "NotFoundError", "NotGiven", "Observer", "Omit",
    "OutputIterator", "OutputList", "Page", "PermissionDeniedError", "Prediction", "PredictionCanceled",
    "PredictionTimeout", "ProxiesTypes", "RateLimitError", "Replicate", "ReplicateError", "ReplicateException",
    "RequestOptions", "RequestTooLargeError", "RunError", "SaveError", "ServerSentEvent", "Stream", "StreamError",
    "Timeout", "Training", "Transport", "URLPath", "UnprocessableEntityError", "Version", "__title__", "__version__",
    "account", "accounts", "async_paginate", "async_run", "async_stream", "collections", "default_client",
    "deployments", "file_from_path", "files", "get_path_url", "hardware", "models", "not_given", "omit", "paginate",
    "predictions", "run", "save_all", "search", "stream", "trainings", "use", "webhooks",
]
# fmt: on


class _Package(ModuleType):
    """This module. Settings reach the default client, public names are protected, and old module paths resolve."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "api_token":
            name = "bearer_token"
        if name in _SETTINGS and "default_client" in self.__dict__:
            from replicate._module_client import change, known, opened, sealed

            value = sealed(value) if name == "bearer_token" else value  # tracebacks show the frames' variables
            change(self.default_client, name, known({**self.__dict__, name: value}))
            value = opened(value) if name == "bearer_token" else value
        if isinstance(value, ModuleType):
            if name == "_upward":
                vars(value)["package"] = self
            if name in __all__:
                return  # `import replicate.run` would replace the function by a module
            if name in _WIDENED:
                from replicate._compat.paths import widen

                widen(value)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Reset a setting to its default. Tests that set one temporarily (monkeypatch) delete it afterwards."""
        if name == "api_token":
            name = "bearer_token"
        super().__delattr__(name)
        if name in _SETTINGS and "default_client" in self.__dict__:
            from replicate._module_client import change, known

            change(self.default_client, name, known(self.__dict__))

    def find_spec(self, fullname: str, _path: object = None, _target: object = None) -> "ModuleSpec | None":
        """Find a module of an earlier version. Python asks this finder last."""
        if not fullname.startswith("replicate."):
            return None
        from replicate._compat.paths import find

        return find(fullname)

    def __reduce__(self) -> "tuple[Any, ...]":
        """Pickle by name, as cloudpickle does with modules that a function uses."""
        from importlib import import_module

        return import_module, (__name__,)

    def _load_client(self) -> "Client":
        client: Client = self.default_client
        return client

    def _reset_client(self) -> None:
        self.__dict__.pop("default_client", None)


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    from importlib import import_module

    if name in _HOME_OF:
        module, other = _HOME_OF[name]
        value = getattr(import_module(module), other)
    elif name == "default_client":
        default = import_module("replicate._module_client")
        value = default.make(default.known(globals()))
    elif name in _OF_DEFAULT_CLIENT or name.startswith("async_"):
        value = import_module("replicate._module_client").function(name)
        if type(value) is not type(__getattr__):
            return value
    elif name in _SETTINGS or name == "api_token":
        name = "bearer_token" if name == "api_token" else name
        return globals().get(name, import_module("replicate._module_client").DEFAULTS[name])
    elif name in _SUBMODULES or (not name.startswith("_") and _package.find_spec(f"{__name__}.{name}")):
        return import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Two threads may both get here. The first to set the name wins.
    return globals().setdefault(name, value)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SETTINGS} - {"ModuleType", "TYPE_CHECKING", "sys"})


_package: "Any" = sys.modules[__name__]
_package.__class__ = _Package
if _package not in sys.meta_path:
    sys.meta_path.append(_package)
