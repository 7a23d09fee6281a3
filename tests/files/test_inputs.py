"""The values that an input may contain, and what the model receives."""

from __future__ import annotations

import base64
import collections
import dataclasses
import decimal
import enum
import hashlib
import io
import json
import os
import re
import sys
import types
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.colours import collect, got
from support.colours import scripted as scripted_client
from support.sample_models import VERSION, Script, model, prediction
from support.sessions import scripted

from replicate import InputError
from replicate._dual.drive import drive
from replicate._files.images import file_of
from replicate._inputs.encode import Inputs
from replicate._models.schema import InputSchema

FILE = {"type": "string", "format": "uri"}


def encoded(value: Any, **properties: Any) -> Any:
    """Encode an input that needs no request, for a model with these input properties."""
    session, transport = scripted()
    document = {"components": {"schemas": {"Input": {"properties": properties}, "Picture": FILE}}}
    made = drive(Inputs(value).sent(session, InputSchema.of(document)))
    assert transport.requests == []
    return json.loads(json.dumps(made))


def decoded(uri: str) -> bytes:
    return base64.b64decode(uri.partition(";base64,")[2])


# ---- objects


class Colour(enum.Enum):
    RED = "red"
    BOTH = ("red", 1)


@dataclasses.dataclass
class Size:
    width: int
    label: Any = None


@attrs.define
class Box:
    size: Size
    tags: set[str]


class Pydantic:
    model_fields = types.MappingProxyType({"a": None})

    def model_dump(self) -> dict[str, Any]:
        return {"a": Size(1)}


class PydanticOne:
    __fields__ = types.MappingProxyType({"a": None})

    def dict(self) -> Any:
        return {"a": b"x"}


MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UUID = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (MOMENT, "2026-01-02T03:04:05+00:00"),
        (MOMENT.date(), "2026-01-02"),
        (MOMENT.time(), "03:04:05"),
        (timedelta(minutes=1), 60.0),
        (decimal.Decimal("0.5"), 0.5),
        (UUID, str(UUID)),
        (collections.UserString("abc"), "abc"),
        (Colour.RED, "red"),
        (Colour.BOTH, ["red", 1]),
        (Size(1, Colour.RED), {"width": 1, "label": "red"}),
        (Box(Size(2), {"a"}), {"size": {"width": 2, "label": None}, "tags": ["a"]}),
        pytest.param(Pydantic(), {"a": {"width": 1, "label": None}}, id="pydantic"),
        pytest.param(PydanticOne(), {"a": "data:application/octet-stream;base64,eA=="}, id="pydantic 1"),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),  # noqa: FBT003 - numpy's own type
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (np.datetime64("2026-01-02T03:04:05", "ns"), "2026-01-02T03:04:05.000000000"),
        (np.array(["2026-01-02T03:04:05"], dtype="M8[ns]"), ["2026-01-02T03:04:05.000000000"]),
        (np.timedelta64(1500, "ms").astype("m8[ns]"), 1.5),
        (np.array(60, dtype="m8[ns]"), 6e-8),
        (np.longdouble("1.5"), 1.5),
        (np.array([1.5], dtype=np.longdouble), [1.5]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(1.5), 1.5),
        (np.array([MOMENT.date()], dtype=object), ["2026-01-02"]),
    ],
    ids=repr,
)
def test_objects_that_json_does_not_have(value: Any, expected: Any) -> None:
    """Times become text, records objects, numeric types numbers, and arrays lists, at any depth."""
    assert encoded({"a": [value], "b": value}) == {"a": [expected], "b": expected}


def test_a_data_frame_is_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pandas data frame becomes the list of its rows, not of its column names."""

    class DataFrame:
        def __iter__(self) -> Any:
            return iter(["a"])

        def to_dict(self, *, orient: str) -> Any:
            return [{"a": 1}] if orient == "records" else None

    monkeypatch.setitem(sys.modules, "pandas", types.SimpleNamespace(DataFrame=DataFrame))  # type: ignore[misc]  # a module will do
    assert encoded({"rows": DataFrame()}) == {"rows": [{"a": 1}]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([1.0, np.nan]), "input['a'][1] is nan"),
        (np.float64("inf"), "input['a'] is inf"),
        (decimal.Decimal("NaN"), "input['a'] is nan"),
        (decimal.Decimal("sNaN"), "input['a'] is Decimal, and has no plain value: cannot convert signaling NaN"),
        pytest.param(10**5000, "input['a'] is an int of more than 4300 digits", id="10**5000"),
        (Size(1, [float("-inf")]), "input['a']['label'][0] is -inf"),
        ("half \ud800", "input['a'] is no text: surrogates not allowed at position 5"),
    ],
    ids=repr,
)
def test_values_that_json_cannot_express(value: Any, message: str) -> None:
    """A value that JSON cannot express is found inside arrays and records, and the error names its place."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        encoded({"a": value})


@pytest.mark.parametrize(
    "value", [np.array([1j]), Size, pytest.param(object(), id="object"), np.complex64(1), np.clongdouble(1)], ids=repr
)
def test_other_objects_are_refused(value: Any) -> None:
    """Classes, complex numbers and unknown objects are refused, and the error names their place."""
    with pytest.raises(TypeError, match=re.escape("input['a']")):
        encoded({"a": value})


JSON: Any = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(
    st.recursive(
        JSON | st.binary(max_size=30).map(io.BytesIO),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.lists(inner).map(tuple),
    )
)
def test_nested_values_arrive_unchanged(value: Any) -> None:
    """Files and plain values arrive unchanged and in their places, however they are nested."""

    def same(given: Any, got: Any) -> bool:
        match given:
            case io.BytesIO():
                return got.startswith("data:") and decoded(got) == given.getvalue()
            case list() | tuple():
                return len(given) == len(got) and all(map(same, given, got))
            case dict():
                return given.keys() == got.keys() and all(same(given[key], got[key]) for key in given)
            case _:
                return type(given) is type(got) and given == got

    assert same(value, encoded(value))


# ---- texts, which are never files


def inspected(value: Any, **properties: Any) -> None:
    """Check the texts of an input as `use` does, for a model with these input properties."""
    document = {"components": {"schemas": {"Input": {"properties": properties}, "Picture": FILE}}}
    Inputs(value).check_texts(InputSchema.of(document))


SENT_AS_THEY_ARE: dict[str, Any] = {
    "run": lambda client, given: client.run("me/model", given),
    "version": lambda client, given: client.run(f"me/model:{VERSION}", given),
    "stream": lambda client, given: collect(client.stream("me/model", given)),
    "use that validates nothing": lambda client, given: client.use("me/model", validate=False)(**given),
    "create": lambda client, given: client.predictions.create(model="me/model", input=given),
    "training": lambda client, given: client.trainings.create(f"me/model:{VERSION}", given, "me/mine"),
}


@pytest.mark.parametrize("schema", ["unknown", "remembered"])
@pytest.mark.parametrize("way", SENT_AS_THEY_ARE)
async def test_a_text_is_never_read_from_the_disk(colour: str, way: str, schema: str, tmp_path: Path) -> None:
    """A text is sent as it is, even if it is a file's path and the model takes one: a stranger may have written it.

    The same holds for a text from a model.
    """
    path = tmp_path / "secret.txt"
    path.write_text("secret")
    described = model(output=None)
    inputs = {"image": FILE, "images": {"type": "array", "items": FILE}}
    described["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = {"properties": inputs}
    done = prediction("succeeded", output=str(path), version=VERSION)
    script = Script(model=[described, described["latest_version"]], create=[done], get=[done])
    client = scripted_client(colour, script)
    if schema == "remembered":
        assert await got(client.use("me/model")()) == str(path)
        await got(client.use(f"me/model:{VERSION}")())
    said = await got(client.run("me/model"))
    earlier = await got(client.predictions.create(model="me/model", input={}))
    texts = ["/etc/passwd", str(path), said, earlier.output]
    sent: Any = {"image": str(path), "images": texts}
    await got(SENT_AS_THEY_ARE[way](client, sent))
    [*_, create] = [each for each in script.requests if each.method == "POST"]
    assert json.loads(create.content)["input"] == sent


async def test_a_path_is_the_file(client: Any, tmp_path: Path) -> None:
    """A `Path` is read, at any depth, and a text beside it stays text."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"content")
    told = hashlib.sha256(b"content").hexdigest()
    assert await got(client.run("me/digest", input={"file": path})) == told
    assert json.loads(await got(client.use("me/digests")(files=[path, b"content"]))) == [told] * 2
    assert await got(client.run("me/repeat", input={"text": str(path)})) == str(path)


@pytest.mark.parametrize("text", ["a.bin", "no/such file.png", "~/x.png", "boat:2.txt", "bytes\0", "x" * 5000])
async def test_use_refuses_a_text_for_a_file(
    client: Any, asked: Any, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`use` refuses a text that is no URL if the model takes a file, whether the file exists or not.

    The error says to pass a Path, and nothing is started.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.bin").write_bytes(b"")
    shown = repr(text if len(text) < 80 else f"{'x' * 80}…")
    message = rf"^input\['file'\] takes a file, and {re.escape(shown)} is no URL: pass Path\({re.escape(shown)}\) for a"
    with pytest.raises(InputError, match=message):
        await got(client.use("me/digest")(file=text))
    with pytest.raises(InputError, match=r"^input\['files'\]\[1\] takes a file, and "):
        await got(client.use("me/digests")(files=[b"", text]))
    assert asked() == ["GET /models/me/digest", "GET /models/me/digests"]


def test_a_file_that_is_awaited() -> None:
    """A file of an asynchronous library is refused, and the error says what to pass instead."""

    class Uploaded:
        async def read(self) -> bytes:
            return b""

    with pytest.raises(TypeError, match=r"^input\['a'\] is a file whose read\(\) is awaited: pass what await"):
        encoded({"a": Uploaded()})


@pytest.mark.parametrize("text", ["https://host.test/x.png", "data:text/plain,hi", "s3://bucket/x", ""])
def test_a_url_is_left_alone(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL of any scheme is sent as it is, even if a file has that name, and so is an empty text."""
    monkeypatch.chdir(tmp_path)
    if text.startswith("s3"):
        Path("s3:/bucket").mkdir(parents=True)
        Path("s3:/bucket/x").touch()
    inspected({"file": text}, file=FILE)
    assert encoded({"file": text}, file=FILE) == {"file": text}


@pytest.mark.parametrize(
    "schema",
    [
        FILE,
        {"$ref": "#/components/schemas/Picture"},
        {"allOf": [{"$ref": "#/components/schemas/Picture"}]},
        {"anyOf": [FILE, {"type": "null"}]},
        {"type": ["string", "null"], "format": "uri"},
    ],
    ids=str,
)
@pytest.mark.parametrize("nest", ["plain", "list", "object", "any name"])
def test_schemas_of_files(schema: Any, nest: str) -> None:
    """A schema may use references, wrappers and null, for an input, list items and object members."""
    wrap, value, where = {
        "plain": (lambda inner: inner, lambda text: text, "input['a']"),
        "list": (lambda inner: {"type": "array", "items": inner}, lambda text: ["", text], "input['a'][1]"),
        "object": (lambda inner: {"properties": {"x": inner}}, lambda text: {"y": text, "x": text}, "input['a']['x']"),
        "any name": (lambda inner: {"additionalProperties": inner}, lambda text: {"z": text}, "input['a']['z']"),
    }[nest]
    with pytest.raises(InputError, match=rf"^{re.escape(where)} takes a file, and 'a\.txt' is no URL"):
        inspected({"a": value("a.txt")}, a=wrap(schema))
    inspected({"a": value("https://host.test/a.txt")}, a=wrap(schema))
    assert encoded({"a": value("a.txt")}, a=wrap(schema)) == {"a": value("a.txt")}


@pytest.mark.parametrize("schema", [{}, {"type": "string"}, {"anyOf": [FILE, {"type": "integer"}]}, None], ids=str)
def test_a_text_that_may_be_no_file_stays_text(schema: Any) -> None:
    """A text is accepted if the schema allows something else than a file."""
    inspected({"a": "a.txt"}, a=schema)
    assert encoded({"a": "a.txt"}, a=schema) == {"a": "a.txt"}


def test_a_path_of_any_kind() -> None:
    """Any object with a file system path is a file, also if the path is bytes."""

    class Elsewhere(os.PathLike[bytes]):
        def __fspath__(self) -> bytes:
            return os.fsencode(__file__)

    assert decoded(encoded({"a": Elsewhere()})["a"]) == Path(__file__).read_bytes()


# ---- pictures


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1", "P"])
async def test_an_image_of_pillow(client: Any, mode: str) -> None:
    """An image in memory is sent as a PNG without loss, by `run` and by `create`."""
    image = Image.linear_gradient("L").resize((3, 2)).convert(mode)
    expected = json.dumps(["PNG", 3, 2, image.convert("RGB").tobytes().hex()])
    assert await got(client.run("me/look", input={"image": image})) == expected
    prediction = await got(client.predictions.create(model="me/look", input={"image": image}, wait=5))
    assert prediction.output == expected


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_an_image_that_was_opened(kind: str, tmp_path: Path) -> None:
    """An image opened from a file is sent as it is now: as a PNG with the file's name and the current pixels."""
    path = tmp_path / f"photo.{kind.lower()}"
    Image.linear_gradient("L").convert("RGB").save(path, kind)
    with Image.open(path) as image:
        image.paste(0, (0, 0, 1, 1))
        image.putalpha(Image.new("L", image.size, 100))
        assert file_of(image, "a").name == "photo.png"
        uri = encoded({"a": image})["a"]
        assert uri.startswith("data:image/png;")
        with Image.open(io.BytesIO(decoded(uri))) as sent:
            assert sent.format == "PNG"
            assert sent.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


@pytest.mark.parametrize(
    ("image", "mode", "pixel"),
    [
        (Image.frombytes("I;16B", (1, 1), b"\x75\x30"), "I;16", 30000),
        (Image.new("I", (1, 1), 65535), "I;16", 65535),
        (Image.new("RGBA", (1, 1), (255, 0, 0, 10)).convert("RGBa"), "RGBA", (255, 0, 0, 10)),
        (Image.new("LA", (1, 1), (255, 10)).convert("La"), "LA", (255, 10)),
        (Image.frombytes("PA", (1, 1), bytes([0, 10])), "RGBA", (0, 0, 0, 10)),
    ],
    ids=lambda value: getattr(value, "mode", None),
)
def test_an_image_of_a_rare_mode(image: Any, mode: str, pixel: Any) -> None:
    """A mode that PNG lacks is converted to an equivalent one."""
    with Image.open(io.BytesIO(decoded(encoded(image)))) as sent:
        assert (sent.mode, sent.getpixel((0, 0))) == (mode, pixel)


@pytest.mark.parametrize(("mode", "pixel"), [("CMYK", (0, 9, 9, 0)), ("F", 0.5), ("HSV", 0), ("I", 65536), ("I", -1)])
async def test_an_image_that_png_cannot_express(client: Any, asked: Any, mode: str, pixel: Any) -> None:
    """A mode without an equivalent in PNG is refused. The error names the input and says what to do."""
    message = f"input['image'] is an image that cannot be written as PNG: its pixels, of mode {mode}, would change"
    with pytest.raises(ValueError, match=re.escape(message) + r': pass a file, or image\.convert\("RGB"\)'):
        await got(client.run("me/look", input={"image": Image.new(mode, (1, 1), pixel)}))
    assert asked() in ([], ["GET /models/me/look"])


def test_an_image_keeps_its_frames_and_its_orientation() -> None:
    """An animation is sent with all frames, and a photo with its orientation."""
    animation, photo = io.BytesIO(), io.BytesIO()
    frames = [Image.new("RGB", (2, 2), (80 * number, 0, 0)) for number in range(3)]
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:])
    with Image.open(animation) as opened, Image.open(io.BytesIO(decoded(encoded(opened)))) as sent:
        assert sent.n_frames == opened.n_frames == 3  # type: ignore[attr-defined]  # only some formats have it
    exif = Image.Exif()
    exif[0x0112] = 6
    frames[0].save(photo, "JPEG", exif=exif)
    with Image.open(photo) as opened, Image.open(io.BytesIO(decoded(encoded(opened)))) as sent:
        assert sent.getexif()[0x0112] == 6


def test_an_image_that_cannot_be_read() -> None:
    """The error for a broken image names its place."""
    file = io.BytesIO()
    Image.new("RGB", (99, 99)).save(file, "BMP")
    broken = Image.open(io.BytesIO(file.getvalue()[:500]))
    with pytest.raises(ValueError, match=re.escape("input['a'] is an image that cannot be written as PNG")):
        encoded({"a": broken})


PIXELS = np.arange(30, dtype="uint8").reshape(2, 5, 3) * 8


class Tensor:
    """The methods of a torch tensor that are used."""

    def __init__(self, array: Any) -> None:
        self.array, self.ndim, self.shape = array, array.ndim, array.shape

    def detach(self) -> Any:
        return self

    cpu = float = detach

    def is_floating_point(self) -> bool:
        return bool(self.array.dtype.kind == "f")

    def permute(self, *axes: int) -> Any:
        return Tensor(self.array.transpose(axes))

    def numpy(self) -> Any:
        return self.array

    def tolist(self) -> Any:
        return self.array.tolist()


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(Tensor=Tensor))  # type: ignore[misc]  # as pandas


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (PIXELS, PIXELS),
        (PIXELS[:, :, :1], PIXELS[:, :, 0]),
        (PIXELS[:, :, 0], PIXELS[:, :, 0]),
        (PIXELS[:, ::-1], PIXELS[:, ::-1]),
        (np.dstack([PIXELS, PIXELS[:, :, 0]]), np.dstack([PIXELS, PIXELS[:, :, 0]])),
        (PIXELS[:, :, 0] > 100, (PIXELS[:, :, 0] > 100).astype("uint8") * 255),
        (np.array([[0.0, 0.5, 1.0]]), np.array([[0, 128, 255]], "uint8")),
        (np.array([[0.0, 1.0]], "float16"), np.array([[0, 255]], "uint8")),
        (Tensor(PIXELS), PIXELS),
        (Tensor(PIXELS.transpose(2, 0, 1)), PIXELS),
        (Tensor(PIXELS[:, :, 0] / 255), PIXELS[:, :, 0]),
    ],
)
def test_an_array_for_a_file_is_a_picture(array: Any, expected: Any) -> None:
    """An array of bytes, or of floats from 0 to 1, is sent as a PNG if the model takes a file, else as lists."""
    with Image.open(io.BytesIO(decoded(encoded({"a": array}, a=FILE)["a"]))) as sent:
        assert sent.format == "PNG"
        assert np.array_equal(np.asarray(sent), expected)
    assert encoded({"a": array}) == {"a": array.tolist()}


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (PIXELS.transpose(2, 0, 1), ValueError, "3×2×5, and an image is"),
        (PIXELS.ravel(), ValueError, "30, and an image is"),
        (np.zeros((0, 3), "uint8"), ValueError, "0×3, and an image is"),
        (PIXELS.astype("int64"), TypeError, "int64, and an image is one of uint8, bool or floats"),
        (PIXELS / 2, ValueError, "floats, which are an image if all are from 0 to 1"),
        (np.array([[np.nan]]), ValueError, "floats, which are an image if all are from 0 to 1"),
    ],
)
async def test_an_array_that_is_no_picture(client: Any, asked: Any, array: Any, error: Any, message: str) -> None:
    """If the model takes a file, other arrays are refused before anything is started, and the error names the input."""
    with pytest.raises(error, match=re.escape(f"input['image'] is an array of {message}")):
        await got(client.run("me/look", input={"image": array}))
    assert asked() in ([], ["GET /models/me/look"])


async def test_an_array_at_the_server(client: Any) -> None:
    """The model receives the array's picture, or its lists if it takes no file."""
    expected = ["PNG", 5, 2, PIXELS.tobytes().hex()]
    assert json.loads(await got(client.run("me/look", input={"image": PIXELS}))) == expected
    assert await got(client.run("me/echo", input={"value": {"x": PIXELS}})) == {"x": PIXELS.tolist()}


# ---- every way to start something


@pytest.mark.parametrize(
    "start",
    [
        lambda client, given: client.predictions.create(version="v", input=given),
        lambda client, given: client.predictions.create(model="o/n", input=given),
        lambda client, given: client.predictions.create(deployment="o/n", input=given),
        lambda client, given: client.models.predictions.create("o/n", given),
        lambda client, given: client.deployments.predictions.create("o/n", given),
        lambda client, given: client.trainings.create("o/n:v", given, "me/mine"),
    ],
)
async def test_every_way_to_start_takes_files(colour: str, start: Any, tmp_path: Path) -> None:
    """Predictions of versions, models and deployments, and trainings, accept the same inputs."""
    path = tmp_path / "a.txt"
    path.write_text("hi")
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json={"id": "x1", "status": "starting", "input": {}})

    client = scripted_client(colour, answer)
    await got(start(client, {"a": [path, (b"hi" for _ in range(1))], "b": MOMENT, "c": Image.new("1", (1, 1))}))
    [request] = requests
    sent = json.loads(request.content)["input"]
    assert sent["a"] == ["data:text/plain;base64,aGk=", ["data:application/octet-stream;base64,aGk="]]
    assert (sent["b"], sent["c"][:22]) == (MOMENT.isoformat(), "data:image/png;base64,")
    await got(client.close())
