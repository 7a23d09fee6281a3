"""Methods behave like ordinary Python methods for `inspect`, comparison and `unittest.mock`, in both colours."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from typing import Any
from unittest import mock

import httpx
import pytest

import replicate
from replicate._dual.methods import Presenter
from replicate.resources.files import Files
from replicate.resources.models import Models
from replicate.resources.predictions import Prediction, Predictions

CLASSES: tuple[type, ...] = (replicate.Client, Predictions, Models, Files, Prediction)
METHODS = [
    (cls, name)
    for cls in CLASSES
    for kind in cls.__mro__
    for name, value in vars(kind).items()
    if Presenter in type(value).__mro__
]
BLOCKING, ASYNC = replicate.Client(api_token="r8_methods"), replicate.AsyncClient(api_token="r8_methods")


def test_there_are_methods() -> None:
    """The table below is not empty."""
    assert {"run", "create", "get", "list", "stream", "reload"} <= {name for _, name in METHODS}


@pytest.mark.parametrize(("cls", "name"), METHODS, ids=[f"{cls.__name__}.{name}" for cls, name in METHODS])
def test_a_class_gives_functions(cls: Any, name: str) -> None:
    """A method of a class is the same function each time, has the right name, and can be pickled."""
    function = getattr(cls, name)
    assert inspect.isfunction(function)
    assert function is getattr(cls, name)
    assert next(iter(inspect.signature(function).parameters)) == "self"
    assert function.__name__ == name
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("client", [BLOCKING, ASYNC], ids=["blocking", "async"])
@pytest.mark.parametrize("name", ["create", "get", "cancel", "list"])
def test_an_instance_gives_bound_methods(client: Any, name: str) -> None:
    """A method of an instance is bound to it, and equals itself but not the method of another instance."""
    owner, other = client.predictions, client.with_options(max_retries=1).predictions
    method = getattr(owner, name)
    assert inspect.ismethod(method)
    assert method.__self__ is owner
    assert method == getattr(owner, name)
    assert hash(method) == hash(getattr(owner, name))
    assert method != getattr(other, name)
    assert "self" not in inspect.signature(method).parameters


def test_coroutine_functions() -> None:
    """A method is a coroutine function only if it is to be awaited."""
    assert inspect.iscoroutinefunction(ASYNC.run)
    assert not inspect.iscoroutinefunction(BLOCKING.run)
    assert inspect.iscoroutinefunction(BLOCKING.async_run)  # type: ignore[attr-defined]


def test_a_patched_method_takes_its_owner() -> None:
    """`patch.object(…, autospec=True)` on a class records the owner, as for any method, and is undone."""
    predictions: Any = BLOCKING.predictions
    before = Predictions.get
    with mock.patch.object(Predictions, "get", autospec=True, return_value="found") as get:
        assert predictions.get("an-id") == "found"
        get.assert_called_once_with(predictions, "an-id")
        with pytest.raises(TypeError):
            predictions.get("an-id", "too", "much")
    assert Predictions.get is before


def test_a_patched_method_of_an_instance() -> None:
    """On an instance it does not record the owner, and checks the keywords."""
    predictions: Any = BLOCKING.predictions
    with mock.patch.object(predictions, "get", autospec=True, return_value="found") as get:
        assert predictions.get(prediction_id="an-id") == "found"
        get.assert_called_once_with(prediction_id="an-id")
        with pytest.raises(TypeError, match="prediction_identity"):
            predictions.get(prediction_identity="an-id")
    assert inspect.ismethod(predictions.get)


def test_an_autospec_has_no_self() -> None:
    """`create_autospec` of a class is called like an instance, and checks the same keywords."""
    double = mock.create_autospec(Predictions, instance=True)
    double.get("an-id")
    double.get(prediction_id="an-id")
    with pytest.raises(TypeError):
        double.get("an-id", "too much")
    client = mock.create_autospec(replicate.Client, instance=True)
    client.run.return_value = ["a"]
    assert client.run("owner/model", input={"prompt": "a"}) == ["a"]
    with pytest.raises(TypeError, match="inputs"):
        client.run("owner/model", inputs={"prompt": "a"})


class Wrapper:
    """A descriptor around another one, available as `__wrapped__`, as in wrapt."""

    def __init__(self, wrapped: Any, calls: list[str]) -> None:
        self.__wrapped__, self.calls = wrapped, calls

    def __get__(self, owner: Any, kind: type) -> Any:
        method = self.__wrapped__.__get__(owner, kind)
        return lambda *args, **kwargs: (self.calls.append(method.__name__), method(*args, **kwargs))[1]


def test_a_method_and_its_async_name_are_wrapped_separately(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instrumentation that wraps both, as for version 1, sees each call once."""
    calls: list[str] = []
    for name in ("get", "list", "async_get", "async_list"):
        monkeypatch.setattr(Predictions, name, Wrapper(vars(Predictions)[name], calls))
    answer: dict[str, Any] = {"id": "an-id", "results": [], "next": None, "previous": None}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    predictions: Any = replicate.Client(api_token="r8_methods", transport=transport).predictions

    async def main() -> None:
        assert (await predictions.async_get("an-id")).id == "an-id"
        assert [*await predictions.async_list()] == []

    asyncio.run(main())
    assert predictions.get("an-id").id == "an-id"
    assert calls == ["async_get", "async_list", "get"]


def test_an_overriding_method_can_call_super() -> None:
    """`super()` finds the method in the owner's colour."""

    class Counted(Predictions[Any]):
        asked = 0

        def get(self, *args: Any, **kwargs: Any) -> Any:
            self.asked += 1
            return super().get

    owner: Any = object.__new__(Counted)
    owner.__dict__.update(vars(BLOCKING.predictions))
    assert owner.get("an-id").__self__ is owner
    assert owner.asked == 1


NAMESPACES = {
    "account": "Accounts",
    "accounts": "Accounts",
    "collections": "Collections",
    "deployments": "Deployments",
    "files": "Files",
    "hardware": "HardwareNamespace",
    "models": "Models",
    "predictions": "Predictions",
    "trainings": "Trainings",
    "webhooks": "Webhooks",
}


@pytest.mark.parametrize("client", [BLOCKING, ASYNC], ids=["blocking", "async"])
@pytest.mark.parametrize("name", NAMESPACES)
def test_a_class_gives_the_class_of_a_namespace(client: Any, name: str) -> None:
    """`Client.predictions` is the class of `client.predictions`, which is one object; nested namespaces likewise."""
    cls, made = getattr(type(client), name), getattr(client, name)
    assert cls.__name__ == type(made).__name__ == NAMESPACES[name]
    assert issubclass(cls, type(made))
    assert made is getattr(client, name)
    for inner in ("predictions", "versions", "examples", "readme", "default"):
        if hasattr(made, inner):
            assert issubclass(getattr(cls, inner), type(getattr(made, inner)))
    assert replicate.Client.predictions is Predictions


def test_doubles_of_clients_have_namespaces() -> None:
    """A mock of a client has mocks of its namespaces; their methods are awaited if the client's are."""
    double = mock.create_autospec(replicate.Client, instance=True)
    double.predictions.get.return_value = "found"
    double.models.versions.get.return_value = "version"
    assert double.predictions.get("an-id") == "found"
    assert double.models.versions.get("owner/name", "an-id") == "version"
    with pytest.raises(TypeError, match="identity"):
        double.predictions.get(identity="an-id")
    awaited = mock.create_autospec(replicate.AsyncReplicate, instance=True)
    awaited.run.return_value = awaited.predictions.get.return_value = "found"
    assert asyncio.run(awaited.run("owner/name", input={})) == "found"
    assert asyncio.run(awaited.predictions.get("an-id")) == "found"
    assert isinstance(mock.MagicMock(spec=replicate.AsyncReplicate).run, mock.AsyncMock)
    assert not isinstance(mock.MagicMock(spec=replicate.Client).run, mock.AsyncMock)


def test_the_class_of_an_asynchronous_client_has_coroutine_functions() -> None:
    """`AsyncReplicate.run` is a coroutine function, and works like an instance's method."""
    run: Any = replicate.AsyncReplicate.run
    assert inspect.iscoroutinefunction(run)
    assert not inspect.iscoroutinefunction(replicate.Replicate.run)
    with pytest.raises(TypeError, match="ref is missing"):
        asyncio.run(run(ASYNC))


@pytest.mark.parametrize("instance", [False, True], ids=["spec", "autospec"])
@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (Prediction, "id status urls output logs metrics input reload async_wait"),
        (replicate.resources.models.Model, "owner name latest_version versions id"),
        (replicate.resources.trainings.Training, "id status output urls cancel"),
        (replicate.resources.deployments.Deployment, "owner name current_release predictions"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_doubles_of_objects_have_fields(cls: Any, names: str, *, instance: bool) -> None:
    """`MagicMock(spec=Prediction)` has the attributes of a prediction, and no others."""
    double = mock.create_autospec(cls, instance=True) if instance else mock.MagicMock(spec=cls)
    for name in names.split():
        assert isinstance(getattr(double, name), mock.Mock), name
    with pytest.raises(AttributeError):
        _ = double.nonsense


def test_libraries_find_the_client_of_httpx() -> None:
    """`_client` and version 1's private names are the httpx clients in use, and assigning to them replaces these."""
    given = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"id": "theirs"})))
    client: Any = replicate.Client(api_token="r8_methods", headers={"X-A": "b"})
    assert isinstance(client._client, httpx.Client)
    assert client._client is client._Client__client
    assert isinstance(client._async_client, httpx.AsyncClient)
    assert client._async_client is client._Client__async_client
    assert "r8_methods" not in repr([*client._client.headers.items()])
    client._Client__client = given
    assert client._client is given
    assert client.predictions.get("an-id").id == "theirs"
    theirs: Any = replicate.AsyncReplicate(api_token="r8_methods", http_client=(own := httpx.AsyncClient()))
    assert theirs._client is own


def test_a_client_can_be_subclassed() -> None:
    """A subclass can override methods and call the original ones, and `with_options` returns the subclass."""

    class Mine(replicate.Client):
        def __init__(self, **options: Any) -> None:
            super().__init__("r8_methods", **options)

        def run(self, *args: Any, **kwargs: Any) -> Any:
            return super().run, args, kwargs

    mine: Any = Mine()
    assert mine.run("owner/name", input={})[1:] == (("owner/name",), {"input": {}})
    assert type(mine.with_options(max_retries=1)) is Mine
    assert inspect.iscoroutinefunction(Mine.async_run)  # type: ignore[attr-defined]
