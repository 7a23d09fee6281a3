"""Exceptions of a program's own hooks and transports lose the token, and still name the line that raised them."""

from __future__ import annotations

import asyncio
import json
from collections import UserDict, deque
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import httpx
import pytest
from support.colours import connect, got
from support.failing_calls import TOKEN, account, raised
from support.walking import chain, leaks

if TYPE_CHECKING:
    from collections.abc import Callable


class Pair(NamedTuple):
    """A header."""

    name: str
    value: str


class Slotted(Exception):  # noqa: N818 - the name does not matter
    """Holds a request in slots, outside its `__dict__`."""

    __slots__ = ("__hidden", "request")

    def __init__(self, request: Any) -> None:
        super().__init__("slotted")
        self.request, self.__hidden = request, {"headers": dict(request.headers)}


class Frozen(Exception):  # noqa: N818
    """Refuses assignment to its attributes."""

    def __init__(self, request: Any) -> None:
        super().__init__("frozen", dict(request.headers))
        self.__dict__["headers"] = request.headers

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError("frozen")


class Holder:
    """Shows its value in its `repr`."""

    def __init__(self, value: Any) -> None:
        self._shown: Callable[[], str] = lambda: f"<{value}>"

    def __repr__(self) -> str:
        return self._shown()


class Spoken(Exception):  # noqa: N818
    """Has a message that shows an attribute."""

    def __init__(self, request: Any) -> None:
        super().__init__()
        self.holder = Holder(request.headers["authorization"])

    def __str__(self) -> str:
        return f"sent {self.holder}"


def nested_deeply(request: Any) -> Exception:
    value: Any = dict(request.headers)
    for _ in range(60):
        value = [value]
    return RuntimeError(value)


def noted(request: Any) -> Exception:
    error = RuntimeError("no")
    error.add_note(f"sent with {dict(request.headers)}")
    return error


def with_attributes(request: Any) -> Exception:
    error: Any = RuntimeError("no")
    error.headers, error.raw, error.all = dict(request.headers), request.headers.raw, request.headers
    error.requests = [{"first": (request,)}]
    return error


def in_a_circle(request: Any) -> Exception:
    shown: dict[str, Any] = {"headers": dict(request.headers)}
    shown["again"] = [shown]
    return RuntimeError(shown)


def of_an_attribute(request: Any) -> Exception:
    try:
        _ = request.headres
    except AttributeError as error:
        found: Exception = error
        return found
    raise AssertionError


def around_another(request: Any) -> Exception:
    try:
        raise KeyError(request.headers["authorization"])  # noqa: TRY301 - to have a traceback
    except KeyError as error:
        inner = error
    return RuntimeError([inner])


def of_groups(request: Any) -> Exception:
    inner = ExceptionGroup(f"inner {request.headers['authorization']}", [KeyError(1)])
    return ExceptionGroup("outer", [inner, ValueError(2)])


WAYS: dict[str, Callable[[Any], Exception]] = {
    "dict": lambda request: RuntimeError({"headers": dict(request.headers)}),
    "second argument": lambda request: PermissionError("blocked", dict(request.headers)),
    "raw headers": lambda request: RuntimeError(request.headers.raw),
    "headers": lambda request: RuntimeError(request.headers),
    "values": lambda request: RuntimeError(request.headers.values(), dict(request.headers).items()),
    "key": lambda request: RuntimeError({request.headers["authorization"]: 1}),
    "proxy": lambda request: RuntimeError(MappingProxyType(dict(request.headers))),
    "set": lambda request: RuntimeError({request.headers["authorization"]}),
    "deque": lambda request: RuntimeError(deque(request.headers.raw)),
    "named tuple": lambda request: RuntimeError(Pair("authorization", request.headers["authorization"])),
    "bytes": lambda request: RuntimeError(bytearray(request.headers["authorization"].encode())),
    "object with a repr": lambda request: RuntimeError([Holder(request.headers["authorization"])]),
    "attribute with a repr": Spoken,
    "mapping": lambda request: RuntimeError(UserDict(request.headers)),
    "nested deeply": nested_deeply,
    "namespace": lambda request: RuntimeError(SimpleNamespace(headers=dict(request.headers))),
    "request in a list": lambda request: RuntimeError([request]),
    "answer in a tuple": lambda request: RuntimeError(("no", httpx.Response(200, request=request))),
    "file": lambda request: OSError(1, "no", request.headers["authorization"]),
    "codec": lambda request: UnicodeDecodeError("ascii", request.headers["authorization"].encode(), 0, 1, "no"),
    "slots": Slotted,
    "frozen": Frozen,
    "note": noted,
    "attributes": with_attributes,
    "circle": in_a_circle,
    "attribute that is missing": of_an_attribute,
    "another exception": around_another,
    "message of a group": lambda request: ExceptionGroup(str(dict(request.headers)), [KeyError(1)]),
    "message of an inner group": of_groups,
}


def failing(colour: str, fail: Callable[[Any], Any]) -> Any:
    """Make a client whose transport calls a function that raises."""
    kind = httpx.Client if colour == "blocking" else httpx.AsyncClient
    return connect(colour, bearer_token=TOKEN, http_client=kind(transport=httpx.MockTransport(fail)), max_retries=0)


def error_of(colour: str, fail: Callable[[Any], Any]) -> BaseException:
    client = failing(colour, fail)
    error: BaseException = raised(colour, lambda: account(client, ""))
    return error


@pytest.mark.filterwarnings("ignore:URL.raw is deprecated")
@pytest.mark.parametrize("made", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("place", ["raised", "cause"])
def test_the_token_is_removed_from_exceptions(made: Callable[[Any], Exception], place: str, colour: str) -> None:
    """The token is neither in any printed form of the exception nor in anything reachable from it."""

    def fail(request: Any) -> Any:
        if place == "raised":
            raise made(request)
        raise ValueError("outer") from made(request)

    error = error_of(colour, fail)
    assert isinstance(error, (RuntimeError, OSError, ValueError, Exception))
    assert leaks(error, TOKEN) == []
    for each in chain(error):
        assert TOKEN not in f"{each} {each!r} {vars(each)}"


def test_other_values_stay(colour: str) -> None:
    """Values without the token stay the same objects, and containers keep their class."""
    kept: Any = {"a": [1, (2, {3})], "b": object()}

    def fail(request: Any) -> Any:
        error: Any = RuntimeError(kept, Pair("authorization", request.headers["authorization"]))
        error.kept = kept
        raise error

    error: Any = error_of(colour, fail)
    assert error.args[0] is error.kept is kept
    assert error.args[1] == Pair("authorization", "Bearer [hidden]")
    assert isinstance(error.args[1], Pair)


def test_a_group_is_copied(colour: str) -> None:
    """A group has a read-only message, so it is copied, with its class, exceptions, attributes, causes and notes."""
    leaf = KeyError(1)

    class Kept(ExceptionGroup[Exception]):
        pass

    def fail(request: Any) -> Any:
        group: Any = Kept(f"sent {request.headers['authorization']}", [leaf])
        group.extra = 7
        group.add_note("mine")
        try:
            raise OSError("earlier")  # noqa: TRY301 - to have a context
        except OSError:
            raise group from None

    error: Any = error_of(colour, fail)
    assert error.__class__ is Kept
    error = cast("Any", error)
    assert (error.message, error.exceptions, error.extra) == ("sent Bearer [hidden]", (leaf,), 7)
    assert error.__notes__[0] == "mine"
    assert isinstance(error.__context__, OSError)
    assert error.__suppress_context__


# ---- where it was raised


def deep(request: Any) -> Any:
    json.loads("{bad")


def test_the_programs_own_line(colour: str) -> None:
    """The note names the program's own line although the innermost frames belong to a library."""
    error: Any = error_of(colour, deep)
    [note] = error.__notes__
    assert f"{__file__}:{deep.__code__.co_firstlineno + 1} (deep) > " in note
    assert "(raw_decode)" in note
    assert "(_deliver" not in note


def outermost(request: Any) -> Any:
    return json.loads("1", parse_int=lambda _: json.loads("{bad"))


def test_the_programs_own_lines_apart(colour: str) -> None:
    """An ellipsis stands for the frames left out between the program's own lines."""
    error: Any = error_of(colour, outermost)
    names = [part.partition("(")[2].partition(")")[0] or part for part in error.__notes__[0].split(" > ")]
    assert names == ["outermost", "…", "<lambda>", "loads", "decode", "raw_decode"]


def test_an_exception_of_a_test_framework(colour: str) -> None:
    """An exception of pytest is no Exception, and still gets the note that says where it was raised."""

    def fail(request: Any) -> Any:
        pytest.fail("not expected")

    error: Any = error_of(colour, fail)
    assert f"{__file__}:" in error.__notes__[0]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_interrupts_get_no_note(kind: type[BaseException]) -> None:
    """An interrupt, an exit or a cancellation gets no note."""

    def fail(request: Any) -> Any:
        raise kind

    client = failing("blocking", fail)
    with pytest.raises(kind) as caught:
        client.account.get()
    assert not hasattr(caught.value, "__notes__")


def test_an_exception_that_is_raised_again(colour: str) -> None:
    """An exception that is raised several times has one note."""
    again = RuntimeError("again")

    def fail(request: Any) -> Any:
        raise again

    for _ in range(3):
        assert error_of(colour, fail) is again
    assert len(again.__notes__) == 1


def earlier() -> Exception:
    try:
        json.loads("{bad")
    except ValueError as error:
        return error
    raise AssertionError


def test_an_exception_from_before_the_call(colour: str) -> None:
    """An exception from before the call keeps its traceback and gets no note, also as the cause of a later one."""
    made: list[Any] = []

    def fail(request: Any) -> Any:
        raise RuntimeError("later") from made[0]

    client = failing(colour, fail)

    async def act() -> None:
        made.append(earlier())
        try:
            raise KeyError("here")  # noqa: TRY301 - caught right here
        except KeyError as error:
            made.append(error)
        made[0].__context__ = made[1]
        await got(client.account.get())

    error = raised(colour, act)
    assert error.__cause__ is made[0]
    for each in made:
        assert each.__traceback__ is not None
        assert not hasattr(each, "__notes__")
    assert len(error.__notes__) == 1


def test_an_exception_of_another_task() -> None:
    """An exception from a task that a hook waits for counts as raised inside the call."""

    async def fail(request: Any) -> Any:
        async def child() -> None:
            try:
                raise KeyError(request.headers["authorization"])  # noqa: TRY301 - to have a context
            except KeyError:
                raise ValueError("child") from None

        async with asyncio.TaskGroup() as group:
            group.create_task(child())

    error = error_of("asyncio", fail)
    assert leaks(error, TOKEN) == []
