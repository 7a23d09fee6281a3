"""What objects show in notebooks: safe, bounded, and never an error."""

import base64
import io
import json
import re
import struct
import wave
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.colours import collect, connect, got, scripted
from support.sample_models import VERSION, Script, model, prediction

from replicate import FileOutput, OutputIterator, OutputList, Prediction, Training
from replicate._jobs.notebook import LAST_LINES
from replicate._objects.html import LONGEST_TEXT, MOST_ROWS, bundle, escape, link
from replicate._outputs import file_html
from replicate._outputs import html as drawing
from replicate._outputs.file_string import FileString
from replicate._outputs.html import MOST_FILES
from replicate._wording import harmless

SCRIPT = "<script>alert(1)</script>"
SVG = f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>".encode()
HOST = "https://replicate.delivery/pb/"


def picture(kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(content, kind)
    return content.getvalue()


def sound() -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<h", 0) * 80)
    return content.getvalue()


FILM = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"


class Safe(HTMLParser):
    """Parses HTML, and collects its tags, links and texts; fails on anything that could run a script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags = list[str]()
        self.links = list[str]()
        self.texts = list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {
            *("div", "pre", "small", "b", "a", "table", "tr", "th", "td", "img", "audio", "video"),
            *("details", "summary", "progress"),
        }
        for name, value in attrs:
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert re.match(r"https?://|data:(image/(png|jpeg|gif|webp|avif)|audio/|video/)", value or "")
                self.links.append(value or "")
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def seen(shown: Any) -> tuple[Safe, str]:
    """Return the parsed HTML that an object shows, and the HTML itself."""
    given = shown._repr_mimebundle_(include=None, exclude=None)
    json.dumps(given)
    assert given["text/plain"]
    return Safe(given.get("text/html", "")), given.get("text/html", "")


def served(colour: str, *answers: httpx.Response) -> Any:
    """Return a client for which every URL has the same content."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        told = answers[min(len(requests), len(answers)) - 1]
        return httpx.Response(told.status_code, headers=told.headers, content=told.content)

    client = scripted(colour, answer)
    client.requests = requests
    return client


def blocking(content: bytes, url: str) -> Any:
    return FileOutput(url, served("blocking", httpx.Response(200, content=content)))


# ---- files


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_common_images_are_shown_natively(kind: str) -> None:
    """PNG, JPEG and GIF images are returned as such, whatever the host's content type is."""
    content = picture(kind)
    shown = blocking(content, f"{HOST}{kind}?X-Signature=secret")._repr_mimebundle_()
    mime = f"image/{kind.lower()}"
    assert [*shown] == ["text/plain", mime]
    assert base64.b64decode(shown[mime]) == content
    assert "secret" not in shown["text/plain"]


@pytest.mark.parametrize(
    ("content", "tag", "kind"),
    [
        (picture("WEBP"), "img", "image/webp"),
        (picture("AVIF"), "img", "image/avif"),
        (sound(), "audio", "audio/wav"),
        (b"ID3\4\0\0", "audio", "audio/mpeg"),
        (FILM, "video", "video/mp4"),
        (b"\x1a\x45\xdf\xa3", "video", "video/webm"),
    ],
)
def test_media_are_inline(content: bytes, tag: str, kind: str) -> None:
    """Other images, sounds and videos are embedded in the page; their signed URL is not."""
    page, html = seen(blocking(content, f"{HOST}{kind}?X-Signature=secret"))
    assert tag in page.tags
    assert page.links[0] == f"data:{kind};base64,{base64.b64encode(content).decode()}"
    assert "secret" not in html


def test_text_is_inline() -> None:
    """A text is embedded and escaped; of a long one only the beginning is shown."""
    page, html = seen(blocking(f"a & b {SCRIPT}".encode(), f"{HOST}a.txt"))
    assert f"a & b {SCRIPT}" in page.texts
    assert SCRIPT not in html
    page, html = seen(blocking(b"x" * (LONGEST_TEXT + 5), f"{HOST}b.txt"))
    assert "… and 5 more characters" in page.texts
    assert html.count("x") < LONGEST_TEXT + 50


@pytest.mark.parametrize("name", ["a.svg", "a.html", "a", "a.png", "a.txt"])
def test_content_that_may_run_scripts_is_a_link(name: str) -> None:
    """SVG and HTML are never embedded, whatever their name is."""
    page, html = seen(blocking(SVG, HOST + name))
    assert "svg" not in page.tags
    assert page.links == [HOST + name]
    assert base64.b64encode(SVG).decode()[:20] not in html


@pytest.mark.parametrize("name", ["weights.safetensors", "a.zip", "a.svg", "a.html"])
def test_a_file_that_cannot_be_shown_is_not_downloaded(name: str) -> None:
    """A file that can only be a link is not downloaded, unless its name does not say so."""
    client = served("blocking", httpx.Response(200, content=b"PK\3\4"))
    output = FileOutput(HOST + name, client)
    seen(output)
    assert len(client.requests) == (1 if name == "weights.safetensors" else 0)


def test_a_large_file_is_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that would make the notebook too large is not embedded."""
    monkeypatch.setattr(file_html, "LARGEST", 10)
    page, _ = seen(blocking(picture(), f"{HOST}large.png"))
    assert page.tags == ["div", "a", "div", "small"]
    assert "It is too large to be shown here." in page.texts


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_does_not_exist_any_more(status: int) -> None:
    """An output that has expired shows its URL and says so."""
    output = FileOutput(f"{HOST}{status}.png", served("blocking", httpx.Response(status)))
    page, _ = seen(output)
    assert page.links == [output.url]
    assert any("It is not there any more" in text for text in page.texts)


def test_a_file_that_cannot_be_downloaded() -> None:
    """Any error is shown, and not raised."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    page, _ = seen(FileOutput(f"{HOST}broken.png", scripted("blocking", fail, max_retries=0)))
    assert "It cannot be shown here: ZeroDivisionError." in page.texts
    page, _ = seen(FileOutput("data:image/png;base64,x", connect("blocking")))
    assert any("It cannot be shown here" in text for text in page.texts)


def test_data_uris() -> None:
    """The content of a data URI is shown like a downloaded file, and the URI is not repeated."""
    uri = f"data:image/webp;base64,{base64.b64encode(picture('WEBP')).decode()}"
    for colour in ("blocking", "asyncio"):
        page, _ = seen(FileOutput(uri, connect(colour)))
        assert page.links == [uri]


async def test_an_asynchronous_client_does_not_block_the_loop(colour: str) -> None:
    """Without a cached copy, the tag has the URL, which the browser loads; with a copy, it embeds the copy."""
    if colour == "blocking":
        return
    content = picture("WEBP")
    client = served(colour, httpx.Response(200, content=content))
    output = FileOutput(f"{HOST}{colour}.webp?X=1", client)
    page, html = seen(output)
    assert (client.requests, page.links[0]) == ([], output.url)
    assert 'referrerpolicy="no-referrer"' in html
    await output.read()
    page, _ = seen(output)
    assert page.links[0].startswith("data:image/webp;base64,")
    assert len(client.requests) == 1


async def test_a_file_of_the_api_is_a_link(colour: str) -> None:
    """A page cannot load a file that needs the token, so it is a link."""
    if colour == "blocking":
        return
    page, _ = seen(FileOutput("https://api.replicate.com/v1/files/f1/download.png", connect(colour)))
    assert "img" not in page.tags


def test_a_string_that_is_a_file_is_shown_as_a_file() -> None:
    """A file string, as in `prediction.output`, shows its image."""
    made = FileString(f"{HOST}string.png", served("blocking", httpx.Response(200, content=picture()))._session)
    assert "image/png" in made._repr_mimebundle_()


# ---- predictions


def run_of(output: Any, **members: Any) -> Prediction[Any]:
    """Return a prediction whose files are images."""
    told = httpx.Response(200, json={**prediction("succeeded"), "output": output, **members})
    made = httpx.Response(200, content=picture("WEBP"))
    client = scripted("blocking", lambda request: told if "api" in request.url.host else made)
    return client.predictions.get("p1")


def test_a_prediction() -> None:
    """A prediction shows its status, its output and the end of its logs; its id links to its page."""
    made = run_of(
        "hello", model="me/model", logs="\n".join(map(str, range(100))), urls={"web": "https://replicate.com/p/p1"}
    )
    page, html = seen(made)
    assert page.links == ["https://replicate.com/p/p1"]
    assert {"succeeded", "hello", f"The last {LAST_LINES} of 100 lines of the logs"} <= {*page.texts}
    assert "\n".join(map(str, range(80, 100))) in page.texts
    assert "79" not in html


def test_a_running_prediction() -> None:
    """A running prediction shows its progress and its output so far."""
    made = run_of(["once ", "upon"], status="processing", logs="20%|##   | 1/5", started_at="2025-01-01T00:00:00Z")
    page, html = seen(made)
    assert "once upon" in page.texts
    assert "progress" in page.tags
    assert "20%" in html


def test_a_failed_prediction() -> None:
    """A failed prediction shows its error."""
    page, _ = seen(run_of(None, status="failed", error="out of llamas"))
    assert {"failed", "out of llamas"} < {*page.texts}


def test_files_of_a_prediction() -> None:
    """A bounded number of files is shown; if the output is more than files, it is also shown as JSON."""
    page, _ = seen(run_of([f"{HOST}{number}.webp" for number in range(MOST_FILES + 2)]))
    assert page.tags.count("img") == MOST_FILES
    assert "… and 2 more files" in page.texts
    page, html = seen(run_of({"image": f"{HOST}b.webp?X-Signature=secret", "score": 0.5}))
    assert page.tags.count("img") == 1
    assert json.dumps({"image": f"{HOST}b.webp", "score": 0.5}, indent=2) in page.texts
    assert "secret" not in html


def test_items_with_files_and_other_values() -> None:
    """If an item has a file and other values, those are shown too."""
    page, _ = seen(run_of([{"caption": "a boat", "image": f"{HOST}b.webp"}]))
    assert page.tags.count("img") == 1
    assert any("a boat" in text for text in page.texts)


def test_the_size_of_a_notebook_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of one object are bounded together; those beyond the limit are links."""
    monkeypatch.setattr(drawing, "LARGEST", 3 * len(picture()))
    files = [f"data:image/png;base64,{base64.b64encode(picture()).decode()}" for _ in range(6)]
    page, _ = seen(run_of({"files": files}))
    assert 1 <= page.tags.count("img") <= 3
    assert "It is too large to be shown here." in page.texts


def test_a_training() -> None:
    """A training shows its output; the weights are a link."""
    told = {**prediction("succeeded"), "output": {"weights": f"{HOST}weights.tar", "version": "me/mine:v"}}
    client = served("blocking", httpx.Response(200, json=told))
    page, _ = seen(client.trainings.get("t1"))
    assert page.links == [f"{HOST}weights.tar"]
    assert any("me/mine:v" in text for text in page.texts)
    assert len(client.requests) == 1


ODD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from([SCRIPT, f"{HOST}x.svg", f"{HOST}'onload=x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(dict.fromkeys(("id", "status", "model", "version", "logs", "error", "output", "urls"), ODD))
)
def test_strangers_cannot_put_anything_into_a_page(told: dict[str, Any]) -> None:
    """Any response is shown without an error, and with harmless tags only."""
    for kind in (Prediction, Training):
        made: Any = kind.model_validate({**prediction(), **told})
        made._bound = connect("asyncio")._session
        page, html = seen(made)
        assert SCRIPT not in html
        assert "script" not in page.tags


def test_surrogates_can_be_stored() -> None:
    """A text with surrogates or null characters does not prevent the notebook from being saved."""
    made: Any = Prediction.model_validate({**prediction("succeeded"), "output": "\ud800 and \0"})
    _, html = seen(made)
    assert r"\ud800 and \x00" in html
    assert html.encode()


# ---- iterators and lists


async def test_an_iterator(colour: str) -> None:
    """An iterator shows the items received so far, and consumes none."""
    words = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}
    states = [prediction("succeeded", output=["a <b>", "c"])]
    described = model(output={**words, "x-cog-array-display": "concatenate"})["latest_version"]
    script = Script(model=[described], create=states, get=states)
    output = await got(scripted(colour, script).run(f"me/model:{VERSION}"))
    assert isinstance(output, OutputIterator)
    page, _ = seen(output)
    assert "a <b>c" not in page.texts
    assert await collect(output) == ["a <b>", "c"]
    page, _ = seen(output)
    assert {"a <b>c", repr(output)} <= {*page.texts}
    page, _ = seen(scripted(colour, script).stream("me/model"))
    assert "<EventStream not started>" in page.texts


async def test_a_list(colour: str) -> None:
    """A list returned by `run` shows its files, or the text that its items form."""
    files = [f"{HOST}{name}.zip" for name in "ab"]
    script = Script(create=[prediction("succeeded", output=given) for given in (files, ["a <b>", "c"])])
    client = scripted(colour, script)
    page, _ = seen(await got(client.run("me/model")))
    assert page.links == files
    words = await got(client.run("me/model"))
    page, _ = seen(words)
    assert page.texts == ["a <b>c"]
    assert words._repr_mimebundle_()["text/plain"] == "['a <b>', 'c']"


@pytest.mark.parametrize("items", [[], [1, 2], [None], [["a"]], ["a", 1], [f"{HOST}a.zip"]])
def test_other_lists_are_left_to_the_notebook(items: list[Any]) -> None:
    """A list that is neither files nor a text is shown by the notebook itself."""
    assert OutputList(items)._repr_mimebundle_() == {}


async def test_a_run(colour: str) -> None:
    """A run started by `use(…).create()` shows the state of its prediction."""
    script = Script(model=[model()], create=[prediction("processing", logs="20%|##   | 1/5")])
    run = await got(scripted(colour, script).use("me/model").create())
    page, html = seen(run)
    assert "processing" in page.texts
    assert "20%" in html
    assert run._repr_mimebundle_()["text/plain"] == repr(run)


async def test_a_page(colour: str) -> None:
    """A page is a table of its items' fields; long pages and long fields are shortened."""
    items = [prediction("succeeded", id=f"p{number} {SCRIPT}", model="m" * 200) for number in range(MOST_ROWS + 3)]
    client = scripted(colour, lambda _: httpx.Response(200, json={"results": [*items, "odd"], "next": None}))
    page, html = seen(await got(client.predictions.list()))
    assert page.tags.count("tr") == MOST_ROWS + 1
    assert {"id", "status", "model", "created_at", f"p0 {SCRIPT}", "2025-01-01 00:00:00+00:00"} <= {*page.texts}
    assert any("without its last 4" in text for text in page.texts)
    assert "m" * 101 not in html
    empty = scripted(colour, lambda _: httpx.Response(200, json={"results": [], "next": None}))
    assert "<Page of 0>" in seen(await got(empty.predictions.list()))[0].texts


# ---- helpers


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "https://me:token@host/", "//host", "http:/x", "https://a b", ""]
)
def test_only_web_urls_are_links(url: str) -> None:
    """Other URLs, and those with a password, are text."""
    assert link(url, "text & more") == "text &amp; more"


@given(st.text())
def test_escaping(text: str) -> None:
    """Any text is shown unchanged, except for control characters, which are escaped, and line ends."""
    assert not {"<", ">", '"', "'"} & {*escape(text)}
    shown = "".join(Safe(bundle("x", f"<pre>{escape(text)}</pre>")["text/html"]).texts)
    assert shown == harmless(text.replace("\r\n", "\n").replace("\r", "\n"))
