"""The server as a whole: access, common headers, starting and stopping."""

import asyncio
import gc
import inspect
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest

from replicate import Client
from replicate.local import Clock, Input, ManualClock, Model, Server, server


def hello(name: str = "world") -> str:
    return f"hello {name}"


MODELS = {"me/hello": Model(hello, official=True)}
KNOWN = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())


def test_it_answers_with_and_without_v1(api: Any) -> None:
    """`/v1/account` and `/account` are the same, and the base URL ends in `/v1`."""
    assert api.srv.base_url == f"http://127.0.0.1:{api.srv.port}/v1"
    account = api.get("account").json()
    assert account == api.get(f"http://127.0.0.1:{api.srv.port}/account").json()
    assert (account["type"], account["username"]) == ("user", "local")


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "You did not pass an authentication token"),
        ({"authorization": "Bearer wrong"}, "You did not pass a valid authentication token"),
        ({"authorization": "Basic {token}"}, "You did not pass a valid authentication token"),
        ({"authorization": "Bearer \xe9"}, "You did not pass a valid authentication token"),
    ],
)
def test_a_request_without_the_token_is_refused(api: Any, headers: dict[str, str], detail: str) -> None:
    """The 401 is the API's."""
    headers = {name: value.format(token=api.srv.token).encode("latin-1") for name, value in headers.items()}
    answer = httpx.get(f"{api.srv.base_url}/account", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.json() == {"title": "Unauthenticated", "detail": detail, "status": 401}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token"])
def test_a_request_with_the_token_is_accepted(api: Any, scheme: str) -> None:
    """Both authorization schemes of the API are accepted."""
    headers = {"authorization": f"{scheme} {api.srv.token}"}
    assert httpx.get(f"{api.srv.base_url}/account", headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::", ""])
def test_only_names_of_this_machine_are_served(api: Any, host: str) -> None:
    """A web page that rebinds its host name to the loopback address is refused."""
    answer = api.get("account", headers={"host": host})
    assert answer.status_code == 403
    assert "127.0.0.1 and localhost only" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "me.localhost", "[::1]:80"])
def test_names_of_this_machine_are_served(api: Any, host: str) -> None:
    """`localhost` and names that end in it are this machine."""
    assert api.get("account", headers={"host": host}).status_code == 200


def test_every_answer_has_the_headers_of_the_api(api: Any) -> None:
    """Responses have rate limits, different ones for creates, and a request id; JSON is compact."""
    answers = [api.get("account"), api.get("models/me/hello"), api.get("nothing"), api.get("predictions/none")]
    assert {answer.headers["ratelimit-remaining"] for answer in answers} == {"2999"}
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
    created = api.post("models/me/hello/predictions", json={"input": {}})
    assert (created.headers["ratelimit-remaining"], created.headers["ratelimit-reset"]) == ("599", "1")
    assert b'", "' not in created.content


def test_an_unknown_path_is_a_problem(api: Any) -> None:
    """Unknown paths and methods give problem+json, and a quoted slash does not lead to another path."""
    for answer in (api.get("nothing"), api.get("account/"), api.get("predictions%2Fx"), api.get("models/me%2Fhello")):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {"detail": "The requested resource could not be found.", "status": 404}
    answer = api.put("account")
    assert (answer.status_code, answer.json()["detail"]) == (405, 'Method "PUT" not allowed.')


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for path, methods in KNOWN["paths"].items() for method in methods]
)
def test_every_operation_of_the_api_exists(api: Any, method: str, path: str) -> None:
    """Every path and method of the API exists, whatever its response."""
    for name, value in {"{model_owner}": "me", "{model_name}": "hello"}.items():
        path = path.replace(name, value)
    answer = api.request(method, path.lstrip("/"))
    assert answer.status_code < 500
    assert answer.status_code != 405
    assert answer.status_code != 404 or "{" in path or path.endswith(("/versions", "/readme"))


def test_requests_are_logged_without_the_token(api: Any) -> None:
    """The log has each request as it arrived, without the token."""
    before = len(api.srv.requests)
    body = {"input": {"name": "Ada"}}
    content = json.dumps(body)
    headers = {"prefer": "wait", "content-type": "application/json"}
    api.post("models/me/hello/predictions?a=b", content=content, headers=headers)
    (received,) = api.srv.requests[before:]
    assert (received.method, received.path, received.query) == ("POST", "/v1/models/me/hello/predictions", "a=b")
    assert (received.json, received.status) == (body, 201)
    assert received.size == len(content)
    assert received.headers["prefer"] == "wait"
    assert api.srv.token not in repr(api.srv.requests)
    api.post("files", files={"content": b"x" * 1000})
    assert api.srv.requests[-1].size > 1000
    assert api.srv.requests[-1].json is None
    api.post("predictions", json={"input": "x" * (1 << 20)})
    assert (api.srv.requests[-1].size > 1 << 20, api.srv.requests[-1].body) == (True, b"")


def test_a_crash_of_the_server_is_a_problem(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """If an endpoint crashes, the response is a 500 that gives the reason."""
    with serving(MODELS) as api:
        monkeypatch.setattr(api.srv.cloud, "models", None)
        answer = api.get("models")
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal server error")


def test_a_token_and_a_port_can_be_chosen() -> None:
    """Token and port are random unless given."""
    with server(MODELS, token="r8_mine") as srv, server({}, port=0) as other:
        assert srv.token == "r8_mine"
        assert other.token.startswith("r8_")
        assert other.port != srv.port
        with pytest.raises(OSError, match=f"port {srv.port} cannot be used"), server({}, port=srv.port):
            pass
    with server(MODELS, port=srv.port) as again:
        assert again.port == srv.port


def test_it_listens_on_the_loopback_interface_only(api: Any) -> None:
    """The server cannot be reached through other interfaces of the machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing, but finds the interface
        except OSError:
            pytest.skip("this machine has no other interface")
        address = probe.getsockname()[0]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address, api.srv.port), timeout=5)


def test_it_stops_even_if_a_client_does_not_read() -> None:
    """A stream that its client does not read is cut when the server stops."""
    model = Model(lambda: "x" * 30_000_000, official=True)
    with httpx.Client(timeout=20) as client, ExitStack() as streams:
        with server({"me/big": model}) as srv:
            url = f"{srv.base_url}/models/me/big/predictions"
            headers = {"authorization": f"Bearer {srv.token}", "prefer": "wait"}
            created = client.post(url, json={"input": {}}, headers=headers)
            stream = streams.enter_context(client.stream("GET", created.json()["urls"]["stream"]))
            lines = stream.iter_lines()
            assert next(lines) == ": hi"
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
    gc.collect()  # an open socket would warn here


def test_it_stops_with_streams_open_and_models_running() -> None:
    """Leaving the block ends streams, waits and models; only the thread of a blocked function is left."""
    before = set(threading.enumerate())
    started, go = threading.Semaphore(0), threading.Event()

    def blocked() -> None:
        started.release()
        go.wait(20)

    def endless() -> Iterator[str]:
        started.release()
        while True:
            yield "more"

    with httpx.Client(timeout=20) as client, ExitStack() as streams:
        with server({"me/blocked": Model(blocked, official=True), "me/endless": Model(endless, official=True)}) as srv:
            for model in ("me/blocked", "me/endless"):
                url = f"{srv.base_url}/models/{model}/predictions"
                created = client.post(url, json={"input": {}}, headers={"authorization": f"Bearer {srv.token}"})
                stream = streams.enter_context(client.stream("GET", created.json()["urls"]["stream"]))
                assert started.acquire(timeout=10)
                if model == "me/blocked":
                    told = stream.iter_lines()
        assert list(told)[-3:] == ["event: done", 'data: {"reason": "canceled"}', ""]
    (left,) = set(threading.enumerate()) - before
    assert left.name.startswith("replicate-local-model")
    go.set()
    left.join(10)
    assert not left.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", srv.port), timeout=5)
    gc.collect()  # an open socket would warn here


def test_it_cannot_be_used_before_it_runs() -> None:
    """A server that was not started raises an error that says how to use it."""
    with pytest.raises(RuntimeError, match=r"with replicate\.local\.server"):
        _ = server(MODELS).predictions


def test_it_makes_clients_of_itself(api: Any) -> None:
    """`client` and `async_client` are made with the server's base URL and token."""

    async def name() -> str:
        async with api.srv.async_client() as client:
            return str((await client.models.get("me/hello")).name)

    with api.srv.client() as client:
        assert client.models.get("me/hello").name == "hello"
    assert asyncio.run(name()) == "hello"


def test_the_names_of_the_package_are_loaded_on_first_use() -> None:
    """Importing the package loads no web framework; `dir` lists all names; an unknown name is an AttributeError."""
    program = (
        "import sys, replicate.local as local\n"
        "assert not {'starlette', 'uvicorn'} & sys.modules.keys()\n"
        "assert set(local.__all__) <= set(dir(local))\n"
        "assert all(getattr(local, name) for name in local.__all__)\n"
        "assert 'starlette' in sys.modules\n"
        "assert 'replicate.client' not in sys.modules\n"
        "local.nothing\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "has no attribute 'nothing'" in result.stderr


def test_a_missing_extra_is_named() -> None:
    """Without the extra, the program ends with one line that says what to install."""
    program = (
        "import importlib.util as util, runpy, sys\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'uvicorn' else find(name, *more)\n"
        "sys.argv[1:] = []\n"
        "runpy.run_module('replicate.local', run_name='__main__')\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == 'the local server needs uvicorn: pip install "replicate[local]"\n'


def test_annotations_can_be_read() -> None:
    """`typing.get_type_hints` and `inspect.signature` find every type, also those imported for type checkers only."""
    assert get_type_hints(Server.client) == {"return": Client}
    assert get_type_hints(ManualClock.after)["callback"] == get_type_hints(Clock.after)["callback"]
    for kind in (Model, Server, Clock, ManualClock, Input):
        functions = [kind, *(each.fget if isinstance(each, property) else each for each in vars(kind).values())]
        for function in functions:
            if inspect.isfunction(function) or isinstance(function, type):
                hints = get_type_hints(function)
                assert [hint for hint in hints.values() if isinstance(hint, str)] == []
        inspect.signature(kind, eval_str=True)
