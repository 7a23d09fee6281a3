"""If a constructor or a setter of a client fails, none of the package's frames contains the token."""

from __future__ import annotations

import copy
import pickle
import sys
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.walking import leaks

import replicate
from replicate import AsyncReplicate, Client, Replicate
from replicate._http.credentials import Credentials
from replicate._http.secrecy.hiding import Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "r8_GivenToConstructors0123456789"
BROKEN = f"{SECRET}\n{SECRET}"


def given() -> str:
    return SECRET


def broken() -> str:
    return BROKEN


def of_bytes() -> Any:
    return SECRET.encode()


def setting(client: Any, name: str, value: Any) -> None:
    setattr(client, name, value)


def made(options: Callable[[], dict[str, Any]], kind: Any) -> Any:
    return kind(**options())


BAD: dict[str, Callable[[], dict[str, Any]]] = {
    "token": lambda: {"bearer_token": BROKEN},
    "api_token": lambda: {"api_token": BROKEN},
    "bytes": lambda: {"bearer_token": SECRET.encode()},
    "both": lambda: {"bearer_token": SECRET, "api_token": SECRET},
    "base_url": lambda: {"bearer_token": SECRET, "base_url": "not a URL"},
    "timeout": lambda: {"bearer_token": SECRET, "timeout": "long"},
    "max_retries": lambda: {"bearer_token": SECRET, "max_retries": -1},
    "default_headers": lambda: {"bearer_token": SECRET, "default_headers": {"a": "b\n"}},
    "poll_interval": lambda: {"bearer_token": SECRET, "poll_interval": -1},
    "output_dir": lambda: {"bearer_token": SECRET, "output_dir": 7},
    "http_client": lambda: {"bearer_token": SECRET, "http_client": 7},
    "a function": lambda: {"bearer_token": given, "base_url": "not a URL"},
}


def raised(work: Callable[[], Any]) -> BaseException:
    """Return what a call raises."""
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - of any kind
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("kind", [Replicate, AsyncReplicate, Client])
@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_clients_that_cannot_be_made(options: Any, kind: Any) -> None:
    """The frames of a failing constructor do not contain the token."""
    assert leaks(raised(lambda: made(options, kind)), SECRET) == []


def test_version_1s_client_with_an_unknown_keyword() -> None:
    """The constructor of version 1's client checks the keywords for httpx itself, and its frames have no token."""
    assert leaks(raised(lambda: Client(given(), nothing=1)), SECRET) == []  # type: ignore[arg-type]
    assert leaks(raised(lambda: Client(given(), http_client=httpx.Client(), verify=False)), SECRET) == []


COPIED = {name: options for name, options in BAD.items() if name != "max_retries"}


@pytest.mark.parametrize("options", [*COPIED.values(), lambda: {"bearer_token": SECRET, "nothing": 1}])
def test_copies_that_cannot_be_made(options: Any) -> None:
    """The frames of a failing `with_options` do not contain the token."""
    client = Replicate(bearer_token="r8_another")
    assert leaks(raised(lambda: made(options, client.with_options)), SECRET) == []


@pytest.mark.parametrize("value", [partial(given), broken, of_bytes])
@pytest.mark.parametrize("name", ["bearer_token", "api_token"])
@pytest.mark.parametrize("kind", [Replicate, AsyncReplicate, Client])
def test_setters(name: str, value: Any, kind: Any) -> None:
    """The frames of a failing setter of the token do not contain it."""
    client = kind(bearer_token="r8_another")
    if value in (broken, of_bytes):
        assert leaks(raised(lambda: setattr(client, name, value())), SECRET) == []
        setattr(client, name, value)
        assert leaks(raised(lambda: getattr(client, name)), SECRET) == []
    else:
        setattr(client, name, value())
        assert getattr(client, name) == SECRET


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield the package with its own settings."""
    replicate._package._reset_client()
    yield replicate
    for name in ("bearer_token", "base_url", "timeout"):
        replicate.__dict__.pop(name, None)
    replicate._package._reset_client()


@pytest.mark.parametrize("name", ["bearer_token", "api_token"])
def test_settings_of_the_package(name: str, package: Any) -> None:
    """The package's settings apply to the default client, and their errors do not show the token."""
    setattr(package, name, SECRET)
    assert package.default_client.bearer_token == package.bearer_token == SECRET
    for value in (BROKEN, SECRET.encode()):
        assert leaks(raised(partial(setting_of, package, name, Sealed(value))), SECRET) == []
    assert package.bearer_token == SECRET
    assert leaks(raised(lambda: setattr(package, "timeout", "long")), SECRET) == []
    package._reset_client()
    package.__dict__["timeout"] = "long"
    assert leaks(raised(lambda: package.default_client), SECRET) == []


def setting_of(package: Any, name: str, value: Sealed[Any]) -> None:
    setattr(package, name, value.open())


def test_a_token_of_cog(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid token from the context of Cog is not in the frames."""
    module = ModuleType("cog")
    module.current_scope = lambda: SimpleNamespace(context={"REPLICATE_API_TOKEN": BROKEN})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cog", module)
    assert leaks(raised(Replicate), SECRET) == []


def test_an_error_of_the_callers_function_keeps_its_frames() -> None:
    """An error of the caller's token function keeps its frames, as these are the caller's and show the cause."""

    def vault() -> str:
        raise ConnectionRefusedError

    error = raised(Credentials(vault).token)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    assert trace is not None
    assert trace.tb_frame.f_code.co_name == "vault"


def test_failing_pickles() -> None:
    """The frames of a failing pickle do not contain the token that is compared with the attributes."""
    client: Any = Replicate(bearer_token=SECRET, http_client=httpx.Client())
    assert leaks(raised(lambda: pickle.dumps(client)), SECRET) == []
    client = Replicate(bearer_token=SECRET)
    client.note = SimpleNamespace(open=given)
    client.mine = given()
    error = raised(lambda: pickle.dumps(client))
    del client.mine  # the caller's own attribute
    assert "mine seems to hold a token" in str(error)
    assert leaks(error, SECRET) == []


def test_a_sealed_secret() -> None:
    """A sealed secret has no token in its `repr`, cannot be pickled, and is the same object in copies."""
    secret = Sealed(SECRET)
    assert SECRET not in f"{secret!r}{secret}"
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    with pytest.raises(TypeError, match="a secret cannot be pickled"):
        pickle.dumps(secret)
    assert not hasattr(secret, "__dict__")
