"""Text from outside, of any length and kind, is read quickly, and showing it never raises."""

from __future__ import annotations

import bz2
import io
import json
import logging
import math
import signal
import sys
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unicodedata import category

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sample_models import prediction

from replicate import ModelError, Prediction, RunError
from replicate._files import data_uri, filenames
from replicate._http import environment, error_responses, hints, options, rate_limit, retry, session, sse
from replicate._http.error_responses import connection_error
from replicate._http.retry import number
from replicate._http.secrecy import secrets
from replicate._jobs import options as terms
from replicate._jobs.updates import LONGEST_END, Progress, end_of
from replicate._models import reference, schema
from replicate._objects.html import LINKED, Tabular, escape, preformatted
from replicate._objects.progress_bar import Bar, Display, Lines
from replicate._objects.response import is_charset, text_of
from replicate._outputs import file_html
from replicate._wording import LONGEST_LOGS, harmless, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

SIZE = 1_000_000


@contextmanager
def seconds(limit: float) -> Generator[None]:
    """Fail if the block takes more CPU seconds of this process than the limit."""

    def fail(*_: object) -> None:
        raise AssertionError(f"it takes more than {limit} s")

    if sys.platform == "win32":
        yield
        return
    before = signal.signal(signal.SIGVTALRM, fail)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def answer(detail: Any, status: int = 422) -> httpx.Response:
    """Return an error response of the API."""
    request = httpx.Request("POST", "https://api.replicate.com/v1/predictions")
    return httpx.Response(status, content=json.dumps({"detail": detail}), request=request)


def refusal(text: str) -> Any:
    return error_responses.error_of(answer(text))


def failed(text: str) -> ModelError:
    """Return the error of a failed prediction."""
    return ModelError(Prediction.from_dict(prediction("failed", error=text, logs=text)))


def shown(text: str) -> Any:
    """Return what a notebook shows of a prediction."""
    run: Any = Prediction.from_dict(prediction("processing", error=text, logs=text, output=text, model=text))
    return run._repr_mimebundle_()


def parsed(text: str) -> Any:
    with suppress(ValueError):
        return reference.ModelVersionIdentifier.parse(text)


READERS: dict[str, Callable[[str], Any]] = {
    "progress": Progress.parse,
    "the end of logs": end_of,
    "harmless": harmless,
    "an error of the API": refusal,
    "an error of a model": failed,
    "a prediction in a notebook": shown,
    "a hint for a 404": lambda text: hints.hint(404, f"POST /v1/models/{text}", text),
    "a hint for a 422": lambda text: hints.hint(422, text, text),
    "a hint for a 429": lambda text: hints.hint(429, text, text),
    "Retry-After": lambda text: retry.read_retry_after({"retry-after": text}, {}),
    "words to wait": lambda text: retry.read_retry_after({}, {"detail": text, "retry_after": text}),
    "what is left of the quota": lambda text: rate_limit.RateLimiter().learn(
        {"ratelimit-remaining": text, "ratelimit-reset": text}, 0
    ),
    "events": lambda text: sse.Decoder().feed(f"{text}\n\n".encode("utf-8", "replace")),
    "line ends": sse.LINE_END.split,
    "a secret": lambda text: secrets.is_secret(text, text),
    "a header": options.CONTROL.search,
    "a header's name": options.TOKEN.fullmatch,
    "Prefer": terms.PREFER.fullmatch,
    "a path": session.ABSOLUTE.match,
    "a file's name": lambda text: filenames.name_of(text, text),
    "a name's extension": lambda text: filenames.extended(text, text),
    "a media type": lambda text: data_uri.encoded(b"", text),
    "a data URI": data_uri.media_type,
    "a model": parsed,
    "the URL of a file": lambda text: schema.is_url(text) or schema.URL.fullmatch(text),
    "a link": LINKED.fullmatch,
    "HTML": lambda text: (escape(text), preformatted(text)),
    "a content": lambda text: file_html.kind_of(text.encode("utf-8", "replace")),
}
STARTS = ("", "50%|", "50%|#| 1/", "data:a/a;", "https://a/", "a/b:", "resets in 1", "event: output\nid: ", "retry: ")
UNITS = (
    *("a", "1", "9%", " ", "\n", "\r", "\t", "|", "50%|", "50%| |", "50%\n", "| 1/", "/", "//", "a/", "a:", ";a=", "?"),
    *(
        ".",
        ".1",
        "\x1b[31m",
        "\0",
        "\u2028",
        "\u0661",
        "\ud800",
        "é",
        "&",
        "version",
        "disabled version ",
        "r8_",
        "\n\n",
    ),
    *("data: \n", ":\n\n", "event: output\nid: 1\n", "/models/a/", "resets in 1"),
)


@pytest.mark.parametrize("name", READERS)
def test_a_megabyte_is_read_quickly(name: str) -> None:
    """Each reader takes at most 2 s for a megabyte of its worst input: its time grows linearly."""
    for start in STARTS:
        for unit in UNITS:
            for end in ("", "!"):
                text = start + unit * (SIZE // 32 // len(unit)) + end
                with seconds(0.5):
                    READERS[name](text)
    for unit in UNITS:
        with seconds(2):
            READERS[name](unit * (SIZE // len(unit)))


@given(st.text() | st.text("0123456789%|/ \r\n#\x1b-.:+eE_,;=abc"))
def test_no_text_raises(text: str) -> None:
    """Every reader accepts any text without raising."""
    for read in READERS.values():
        read(text)


# ---- a progress bar in logs

NINES = "9" * 5000


@pytest.mark.parametrize(
    "logs",
    [
        *(f"{NINES}%|##| 1/2", f"50%|##| {NINES}/10", f"50%|##| 1/{NINES}", "400%|##| 4/1", "101%|##| 4/1"),
        *("\u0665\u0660%|##| 5/10", "-5%|##| 1/2", "nan%|##| 1/2", "5e1%|##| 1/2", "50%|##", "50%", "\n" * 20_000),
        *(None, 5, 0.5, ["50%|#| 1/2"], {"50%|#| 1/2": 1}, True),
    ],
    ids=lambda logs: str(logs)[:20],
)
def test_logs_without_a_progress_bar(logs: Any) -> None:
    """Impossible numbers, and logs that are not text, give no progress; an earlier valid bar still counts."""
    run: Any = Prediction.from_dict(prediction("processing", logs=logs))
    with seconds(1):
        assert Progress.parse(logs) is None
        assert run.progress is None
        assert run._repr_mimebundle_()
    if isinstance(logs, str):
        assert Progress.parse(f" 10%|#| 1/10 [00:01]\r{logs}") == (0.1, 1, 10)


@given(st.lists(st.text("0123456789%|/ \r\n#\x1b") | st.text(), max_size=4))
def test_progress_is_a_fraction(lines: list[str]) -> None:
    """Progress is from 0 to 1, and comes from the last bar."""
    logs = "\n".join(lines)
    progress = Progress.parse(logs)
    assert progress is None or 0 <= progress.percentage <= 1
    assert Progress.parse(f"{logs}\n 25%|##  | 1/4 [00:01]\n") == (0.25, 1, 4)


@given(st.integers(0, 30))
def test_the_end_of_logs_has_whole_lines(more: int) -> None:
    """A line that is cut off is left out, since its rest may look like another bar."""
    logs = "150%|#| 3/2\r" + "x" * (LONGEST_END - more)
    assert Progress.parse(end_of(logs)) is None
    assert end_of(f"{logs}\n 50%|#| 1/2").endswith(" 50%|#| 1/2")
    assert end_of("\n50%|#| 1/2\n") == "\n50%|#| 1/2\n"


# ---- errors


@given(st.text())
def test_control_characters_are_escaped(text: str) -> None:
    """Control and format characters are escaped as in a repr, except line feeds, tabs and what joins letters."""

    def shown(character: str) -> str:
        kept = character in "\n\t\xad\u200c\u200d" or category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        return character if kept else repr(character)[1:-1]

    assert harmless(text) == harmless(harmless(text)) == "".join(map(shown, text))
    assert one_line(text) == one_line(one_line(text)) == harmless(text).replace("\n", r"\n")


def test_the_notes_of_an_error_are_short_and_harmless() -> None:
    """Notes are readable, however long the last lines of the logs are, and whatever is in them or in other fields."""
    evil = "\x1b]0;title\x07"
    fields = {"model": f"me/{evil}", "urls": {"web": f"https://{evil}"}, "error": evil}
    run: Any = Prediction.from_dict(
        prediction("failed", id=evil, logs=f"{evil}\n" * 9 + f"{evil}{'x' * SIZE}", **fields)
    )
    error = ModelError(run)
    assert len("".join(error.__notes__)) < LONGEST_LOGS + 500
    for text in (str(error), error.message, *error.__notes__):
        assert text.replace("\n", "").isprintable()
    assert any("  …xxx" in note for note in error.__notes__)
    assert repr(run).isprintable()
    assert [note for note in RunError.of(error, run).__notes__ if "last logs" in note]


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"msg":', '{"message":', '{"loc":['])
@pytest.mark.parametrize("depth", [9, 100, 700, 900, 5000])
def test_a_detail_that_is_nested(opening: str, depth: int) -> None:
    """An error whose detail is nested very deeply is still an error of the API, not a RecursionError."""
    closing = "".join({"[": "]", "{": "}"}[each] for each in reversed(opening) if each in "[{")
    content = f'{{"detail": {opening * depth}1{closing * depth}, "retry_after": {"[" * depth}{"]" * depth}}}'
    request = httpx.Request("POST", "https://api.replicate.com/v1/predictions")
    error = error_responses.error_of(httpx.Response(429, content=content, request=request))
    assert (error.status_code, error.retry_after) == (429, None)
    assert str(error)


@pytest.mark.parametrize("detail", [f"resets in {NINES}s", "resets in \u0661s", ["resets in 1s"], None, {}])
def test_text_without_a_valid_time(detail: Any) -> None:
    """A time that no float can hold, or that is not a plain number, is ignored."""
    assert retry.read_retry_after({}, {"detail": detail}) is None


@pytest.mark.parametrize("said", ["This version has been DISABLED", "a deprecated model\nversion"])
def test_words_of_a_hint_may_be_in_any_order(said: str) -> None:
    """A hint's words are found anywhere in the text, in any order."""
    assert "newer one" in str(hints.hint(422, "POST /predictions", said))
    assert "newer one" not in str(hints.hint(422, "POST /predictions", said.replace("ersion", "")))


@pytest.mark.parametrize("digits", [19, 5000])
def test_a_reconnection_time_out_of_range(digits: int) -> None:
    """A reconnection time that is too large is ignored; the event that came with it is kept."""
    decoder = sse.Decoder()
    events = decoder.feed(f"retry: {'9' * digits}\nevent: output\nid: 1\ndata: a\n\n".encode())
    assert (events, decoder.retry) == (["a"], None)


# ---- progress displays


@given(told=st.text() | st.just("x" * 5000), fraction=st.none() | st.floats(), whole=st.booleans())
@pytest.mark.parametrize("kind", ["lines", "a bar"])
def test_any_progress_can_be_drawn(kind: str, told: str, fraction: float | None, whole: bool) -> None:  # noqa: FBT001
    """Any text and any number is shown in a short line, and nothing in it controls the terminal."""
    from tqdm import tqdm

    display, stderr, before = Display(), io.StringIO(), sys.stderr
    display._shown = Lines() if kind == "lines" else Bar(tqdm)
    sys.stderr = stderr
    try:
        display.draw(told, fraction, whole=whole)
        display.draw(f"{told}!", fraction, whole=whole)
        assert display._shown is not None
        display.close()
    finally:
        sys.stderr = before
    assert one_line(drawn := stderr.getvalue().replace("\r", "").replace("\n", "")) == drawn
    assert len(stderr.getvalue()) < 2000


def broken_tqdm(error: BaseException, *, at_once: bool) -> ModuleType:
    """Make a tqdm module that raises, on import of its name or when a bar is made."""

    class Broken:
        def __init__(self, *_: Any, **__: Any) -> None:
            raise error

    module = ModuleType("tqdm.auto")
    if at_once:
        vars(module)["__getattr__"] = Broken  # called for the name `tqdm`
    else:
        vars(module)["tqdm"] = Broken
    return module


@pytest.mark.parametrize("at_once", [False, True])
def test_a_tqdm_that_raises(monkeypatch: pytest.MonkeyPatch, *, at_once: bool) -> None:
    """Errors of tqdm are suppressed, also while it is loaded; an interrupt is not."""
    monkeypatch.setitem(sys.modules, "tqdm.auto", broken_tqdm(RuntimeError("no display"), at_once=at_once))
    display = Display()
    display.draw("one", 0.5)
    display.close()
    monkeypatch.setitem(sys.modules, "tqdm.auto", broken_tqdm(KeyboardInterrupt(), at_once=at_once))
    with pytest.raises(KeyboardInterrupt):
        Display().draw("one", 0.5)


class Refusing(logging.Handler):
    """A handler that raises."""

    def emit(self, record: logging.LogRecord) -> None:
        raise ValueError("I/O operation on closed file.")


def test_a_display_and_a_log_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A display that fails is dropped, even if the failure cannot be logged either."""
    logger, handler = logging.getLogger("replicate"), Refusing()
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    stderr = io.StringIO()
    stderr.close()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    display = Display()
    display.draw("one", math.nan)
    display.close()
    assert display._shown is None


@pytest.mark.parametrize("kind", ["closed", "none"])
def test_the_log_of_the_environment(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that REPLICATE_LOG asks for is dropped if stderr cannot be written."""
    stderr = io.StringIO()
    stderr.close()
    monkeypatch.setattr(sys, "stderr", stderr if kind == "closed" else None)
    environment.Shown().handle(logging.LogRecord("replicate", logging.INFO, "", 0, "oh", None, None))


def test_a_page_that_cannot_be_shown() -> None:
    """A page that cannot be shown as a table is shown as text."""

    class Item:
        @property
        def id(self) -> str:
            raise RuntimeError

    class Page(Tabular):
        results = (Item(),)  # type: ignore[assignment]

        def __repr__(self) -> str:
            return "a page"

    assert "a page" in Page()._repr_mimebundle_()["text/html"]


def test_the_repr_of_a_deeply_nested_output() -> None:
    """An object that is nested more deeply than the stack allows still has a repr."""
    output: Any = []
    for _ in range(100_000):
        output = [output]
    run = Prediction.from_dict({"id": "p1"})
    run.output = output
    assert "id='p1'" in repr(run)
    while output:
        output = output.pop()


def test_the_cause_of_an_error_is_harmless() -> None:
    """The text of an error of httpx, which may be a proxy's, is shown escaped as well, as the cause of ours."""
    error = connection_error(httpx.ProxyError("407 \x1b[31m"), "GET", httpx.URL("https://api.test/v1"))
    assert str(error.__cause__) == r"407 \x1b[31m"


@pytest.mark.parametrize("codec", ["bz2", "zlib", "hex", "punycode", "idna", "nonsense"])
def test_a_charset_does_not_unpack(codec: str) -> None:
    """What is no charset, or takes quadratic time, is not asked to decode a response."""
    assert not is_charset(codec)
    content = bz2.compress(bytes(1000))
    response = httpx.Response(200, content=content, headers={"Content-Type": f"text/plain; charset={codec}"})
    assert text_of(response) == content.decode("utf-8", "replace")


@pytest.mark.parametrize("text", ["1_0", "\u0661", "1e400", "nan", "-1", "x"])
def test_what_is_no_number_of_seconds(text: str) -> None:
    """Only the digits of ASCII make a number."""
    assert number(text) is None
