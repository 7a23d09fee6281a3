"""A local server that speaks Replicate's HTTP API and runs Python functions as models.

    def shout(text: str) -> str:
        return text.upper()

    with replicate.local.server(models={"me/shout": shout}) as srv:
        print(srv.client().run(...))

It is for tests, demos and work without a network. It listens on the loopback interface only. The code of a model runs
with the rights of the user who serves it. The names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicate.local.clock import Clock, ManualClock
    from replicate.local.listener import Server, server
    from replicate.local.models import Model
    from replicate.local.schema import Input

__all__ = ["Clock", "Input", "ManualClock", "Model", "Server", "server"]

_HOME = {
    "Clock": "clock",
    "Input": "schema",
    "ManualClock": "clock",
    "Model": "models",
    "Server": "listener",
    "server": "listener",
}
_EXTRA = ("starlette", "uvicorn", "sse_starlette", "python_multipart")


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if missing := [module for module in _EXTRA if find_spec(module) is None]:
        raise ModuleNotFoundError(
            f'the local server needs {", ".join(missing)}: pip install "replicate[local]"', name=missing[0]
        )
    from replicate._annotations import resolve_lazily

    value = resolve_lazily(getattr(import_module(f"{__name__}.{_HOME[name]}"), name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
