"""Methods that return complete HTTP responses: `client.predictions.with_raw_response.get(…)`.

One wrapper serves all namespaces. It runs the real method with a session that captures the response. If the content
is to be streamed, the method pauses there until its result is requested.
"""

from __future__ import annotations

import copy
import functools
import inspect
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from replicate._dual.async_names import async_name
from replicate._dual.colours import C, Coloured, acting_through
from replicate._dual.methods import Presenter, dual, dual_iter, dual_plain
from replicate._http.observing import ResponseCapture, Steps
from replicate._objects.response import APIResponse

if TYPE_CHECKING:
    from collections.abc import Callable


WITHOUT = {"close": "it asks the API for nothing", "save_all": "it gives paths"}
"""Methods that have no response of their own, and why."""
SEVERAL = ("run", "wait")
"""Methods that send several requests. They run to their end, and the response is the last one."""


class weakly_cached(functools.cached_property[Any]):  # noqa: N801 - reads as the decorator it is
    """A property that returns the same object while there is a reference to it, and then a new one.

    So tests can patch the object, or the property on an instance.
    """

    def __init__(self, func: Callable[[Any], Any]) -> None:
        super().__init__(func)
        self._made: WeakKeyDictionary[Any, ref[Any]] = WeakKeyDictionary()

    def __get__(self, owner: Any, kind: type | None = None) -> Any:  # type: ignore[override]  # None for a class
        if owner is None:
            return self
        known = self._made.get(owner)
        if (made := known() if known else None) is None:
            made = self.func(owner)
            self._made[owner] = ref(made)
        return made


class RawResponses:
    """Base of classes whose methods can also return complete responses."""

    @weakly_cached
    def with_raw_response(self) -> Any:
        """The same methods, returning an APIResponse. `parse()` returns what the method returns."""  # noqa: D401
        return RawMethods(self, None)

    @weakly_cached
    def with_streaming_response(self) -> Any:
        """The same methods, which return a context manager that yields an APIResponse and closes it.

        On entering, the request is sent, with retries, and its errors are raised. The content is read on demand, and
        `parse()` returns what the method returns. `run` and `wait`, which send several requests, run to their end on
        entering; their response is the last one, which has been read. A prediction or a training that the request has
        started continues, however the block is left.
        """  # noqa: D401 - a property
        other: Any = self
        return RawMethods(self, Opening if other._session.blocking else AwaitedOpening)  # noqa: SLF001 - its own


class RawMethods:
    """A client or a namespace whose methods return complete responses."""

    def __init__(self, owner: Any, present: Callable[[Callable[[], Any]], Any] | None) -> None:
        self._owner, self._present = owner, present

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._owner) if not name.startswith("_")]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the owner if it is callable, as `webhooks.default.secret` is."""
        method: Any = inspect.getattr_static(self._owner, "__call__")
        return self._answering(method.function)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # pickle and copy look up some before this has an owner
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        if name in WITHOUT:
            raise AttributeError(f"{name!r} has no answer of its own: {WITHOUT[name]}")
        method = inspect.getattr_static(self._owner, name, None)
        if isinstance(method, Presenter) and not isinstance(method, (async_name, dual_iter, dual_plain)):
            return self._answering(method.function)
        if isinstance(inner := getattr(self._owner, name), RawResponses):
            return inner.with_raw_response if self._present is None else inner.with_streaming_response
        raise AttributeError(f"{name!r} has no answer of its own")

    def _answering(self, function: Callable[..., Any]) -> Callable[..., Any]:
        streaming = self._present is not None and function.__name__ not in SEVERAL

        async def answer(self: Coloured[C], *args: Any, **kwargs: Any) -> APIResponse[C]:
            session: Any = self._session  # pyright: ignore[reportPrivateUsage]  # as in the wrapped methods
            captured = copy.copy(session)
            captured.capture = capture = ResponseCapture(streaming=streaming)
            steps = Steps(function(acting_through(self, captured), *args, **kwargs))
            await steps
            if (response := capture.take()) is None:
                raise TypeError(f"{function.__name__} had nothing to ask the API for")
            return APIResponse(session, response, steps, capture)

        presenter: Any = dual(functools.wraps(function)(answer))
        method: Callable[..., Any] = presenter.__get__(self._owner, object)
        if self._present is None:
            return method
        present = self._present
        return functools.wraps(method)(lambda *args, **kwargs: present(functools.partial(method, *args, **kwargs)))


class Opening:
    """A response that is requested on entering `with`, and closed at the end of the block."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask

    def __enter__(self) -> Any:
        self._answer = self._ask()
        return self._answer

    def __exit__(self, *error: object) -> None:
        self._answer.__exit__(*error)


class AwaitedOpening:
    """A response that is requested on entering `async with`, and closed at the end of the block."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask

    async def __aenter__(self) -> Any:
        self._answer = await self._ask()
        return self._answer

    async def __aexit__(self, *error: object) -> None:
        await self._answer.__aexit__(*error)
