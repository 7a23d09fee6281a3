"""A client that cannot be made, or set to something, shows the token in no frame of its own."""

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
    """Give what a call raises."""
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - of every kind
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("kind", [Replicate, AsyncReplicate, Client])
@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_clients_that_cannot_be_made(options: Any, kind: Any) -> None:
    """Their constructors' frames are in the traceback."""
    assert leaks(raised(lambda: made(options, kind)), SECRET) == []


def test_version_1_s_client_with_a_keyword_that_is_none() -> None:
    """Its constructor takes what httpx takes, and checks that itself."""
    assert leaks(raised(lambda: Client(given(), nothing=1)), SECRET) == []  # type: ignore[arg-type]
    assert leaks(raised(lambda: Client(given(), http_client=httpx.Client(), verify=False)), SECRET) == []


COPIED = {name: options for name, options in BAD.items() if name != "max_retries"}


@pytest.mark.parametrize("options", [*COPIED.values(), lambda: {"bearer_token": SECRET, "nothing": 1}])
def test_copies_that_cannot_be_made(options: Any) -> None:
    """Neither do those of `with_options`, whose keywords are in one dictionary."""
    client = Replicate(bearer_token="r8_another")
    assert leaks(raised(lambda: made(options, client.with_options)), SECRET) == []


@pytest.mark.parametrize("value", [partial(given), broken, of_bytes])
@pytest.mark.parametrize("name", ["bearer_token", "api_token"])
@pytest.mark.parametrize("kind", [Replicate, AsyncReplicate, Client])
def test_settings(name: str, value: Any, kind: Any) -> None:
    """A client's token can be set."""
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
    """Give the package, with settings of its own."""
    replicate._package._reset_client()
    yield replicate
    for name in ("bearer_token", "base_url", "timeout"):
        replicate.__dict__.pop(name, None)
    replicate._package._reset_client()


@pytest.mark.parametrize("name", ["bearer_token", "api_token"])
def test_settings_of_the_package(name: str, package: Any) -> None:
    """They make the default client, and change it."""
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
    """The context of a prediction holds it."""
    module = ModuleType("cog")
    module.current_scope = lambda: SimpleNamespace(context={"REPLICATE_API_TOKEN": BROKEN})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cog", module)
    assert leaks(raised(Replicate), SECRET) == []


def test_what_a_callers_function_raises_keeps_its_frames() -> None:
    """They are the caller's own, and tell what went wrong."""

    def vault() -> str:
        raise ConnectionRefusedError

    error = raised(Credentials(vault).token)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    assert trace is not None
    assert trace.tb_frame.f_code.co_name == "vault"


def test_pickles_that_cannot_be() -> None:
    """What is compared with the token is no local variable."""
    client: Any = Replicate(bearer_token=SECRET, http_client=httpx.Client())
    assert leaks(raised(lambda: pickle.dumps(client)), SECRET) == []
    client = Replicate(bearer_token=SECRET)
    client.note = SimpleNamespace(open=given)
    client.mine = given()
    error = raised(lambda: pickle.dumps(client))
    del client.mine  # which is the caller's own
    assert "mine seems to hold a token" in str(error)
    assert leaks(error, SECRET) == []


def test_a_sealed_secret() -> None:
    """It shows nowhere, is in no pickle, and is no other in a copy."""
    secret = Sealed(SECRET)
    assert SECRET not in f"{secret!r}{secret}"
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    with pytest.raises(TypeError, match="a secret cannot be pickled"):
        pickle.dumps(secret)
    assert not hasattr(secret, "__dict__")
