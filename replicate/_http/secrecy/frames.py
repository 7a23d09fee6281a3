"""Reads tracebacks before they are removed: which exceptions were raised inside a call, and where."""

from __future__ import annotations

import traceback
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING

import httpx

from replicate._errors import ReplicateException

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

KNOWN = {"httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "replicate"}
"""Packages whose errors leave everything in order."""

RAISED = "Raised at "
INNERMOST = 3
"""Minimum number of innermost frames that are named."""
OWN = 2
"""Maximum number of the program's frames that are named even if they are further out."""
EXPECTED = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ReplicateException)
"""Errors whose class and text say enough: which line of httpx raised them does not matter."""
ENDS = (KeyboardInterrupt, SystemExit, GeneratorExit)
CANCELED = ("CancelledError", "Cancelled")
"""Names of asyncio's and trio's cancellation errors."""
LOOPS = ("asyncio", "trio", "uvloop", "anyio")
FURTHEST = 24
"""A chain of exceptions; it can be circular."""
INTERRUPTS = "_interrupts"
"""The attribute that marks an exception as an interruption of a call."""
INSTALLED = {"site-packages", "dist-packages"}
STANDARD = PurePath(traceback.__file__).parent
PACKAGE = PurePath(__file__).parent.parent


def surroundings(trace: TracebackType | None) -> tuple[FrameType | None, set[FrameType]]:
    """Return the frame of the call that has just caught an exception, and the frames around it in its task."""
    own = frame = None if trace is None else trace.tb_frame
    found: set[FrameType] = set()
    while frame is not None and (frame := frame.f_back) is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in LOOPS:
            break
        found.add(frame)
    return own, found


def is_inner(trace: TracebackType, own: FrameType | None, around: set[FrameType]) -> bool:
    """Return whether an exception was, or may have been, raised inside a call: a frame may not know its caller."""
    frame: FrameType | None = trace.tb_frame
    while frame is not None and frame is not own:
        if frame in around:
            return False
        frame = frame.f_back
    return True


def chain(error: BaseException, before: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it, back to the exception that was being handled before the call."""
    each: BaseException | None = error
    for _ in range(FURTHEST):
        if each is None or each is before:
            return
        yield each
        each = each.__cause__ or each.__context__


def interruption(error: BaseException, before: BaseException | None) -> BaseException | None:
    """Return the exception of a signal handler that led to an error, if there is one, and mark it as an interruption.

    httpcore takes a handler's TimeoutError for a timeout of its connection. `before` is the exception that was being
    handled before the call.
    """
    for each in chain(error, before):
        frames = [frame for frame, _ in traceback.walk_tb(each.__traceback__)]
        if any(handles(inner, outer) for outer, inner in pairwise(frames)):
            vars(each)[INTERRUPTS] = True
            return each
    return None


def interrupts(error: BaseException) -> bool:
    """Return whether an error was marked as an interruption."""
    return INTERRUPTS in vars(error)


def is_interruption(error: BaseException, before: BaseException | None) -> bool:
    """Return whether a signal handler's exception led to an error. Code that ignores failures must not ignore it."""
    return any(map(interrupts, chain(error, before))) or interruption(error, before) is not None


def handles(frame: FrameType, interrupted: FrameType) -> bool:
    """Return whether a frame belongs to a signal handler: it was called with the interrupted frame."""
    given: list[object] = [*frame.f_locals.values()]
    for each in [*given]:
        given += each if isinstance(each, tuple) else ()  # the handler takes `*_`
    return any(each is interrupted for each in given)


def note_for(error: BaseException, trace: TracebackType) -> str | None:
    """Describe where an exception was raised; None if its class says enough, or if it only ends a program or task."""
    if isinstance(error, (*EXPECTED, *ENDS)) or type(error).__name__ in CANCELED:
        return None
    if any(str(note).startswith(RAISED) for note in getattr(error, "__notes__", ())):
        return None  # noted when it was first caught; its traceback has lost those frames
    return f"{RAISED}{place(trace)}. The frames are left out: they hold the token."


def place(trace: TracebackType) -> str:
    """Name the innermost frames and those of the program itself. The innermost comes last."""
    frames = [*traceback.walk_tb(trace)]
    own = [index for index, (frame, _) in enumerate(frames) if is_own(frame.f_code.co_filename)]
    shown = sorted({*range(len(frames))[-INNERMOST:], *own[-OWN:]})
    named = list[str]()
    for before, index in zip([shown[0] - 1, *shown], shown, strict=False):
        frame, line = frames[index]
        named += ["…"] * (index > before + 1)
        named.append(f"{frame.f_code.co_filename}:{line} ({frame.f_code.co_name})")
    return " > ".join(named)


def is_own(filename: str) -> bool:
    """Return whether a file belongs to the program: it is not installed, nor Python's, nor this package's."""
    path = PurePath(filename)
    if filename.startswith("<frozen ") or not INSTALLED.isdisjoint(path.parts):
        return False
    return not path.is_relative_to(STANDARD) and not path.is_relative_to(PACKAGE)


def is_foreign(error: BaseException) -> bool:
    """Return whether an error that ended a request is foreign to its library: an interrupt, or a signal handler's.

    It can have come at any moment, in the middle of any operation. A cancellation is not foreign: it comes where a task
    waits.
    """
    if type(error).__name__ in CANCELED:
        return False
    return KNOWN.isdisjoint(kind.__module__.partition(".")[0] for kind in type(error).__mro__)
