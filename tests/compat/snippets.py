"""Code as users of earlier versions wrote it, and what must be true after it has run."""

from __future__ import annotations

from typing import NamedTuple


class Snippet(NamedTuple):
    """Code for an earlier version, an expression that is true after it, and notes for the documentation.

    The code may use the names that `places.py` provides. `differs` says what has changed although the code runs.
    `breaks` says why the code does not run any more, and what to write instead.
    """

    version: str
    code: str
    check: str = "True"
    differs: str = ""
    breaks: str = ""


DELETED = "deleting returns `True`"
FAILS = "a canceled or aborted prediction raises too, instead of returning `None`"
WARNS = "deprecated, and warns; `replicate.run` and `replicate.use` do the same"
POLLS = "unless it is set, the interval between polls grows with the age of the prediction"

V0 = [
    Snippet(
        "0.x", 'model = replicate.models.get("me/letter"); text = model.predict(prompt="x")', 'text == "Dear x"', WARNS
    ),
    Snippet("0.x", "newest = model.versions.list()[0]", "newest.id == letter"),
    Snippet(
        "0.x", 'version = model.versions.get(letter); text = version.predict(prompt="y")', 'text == "Dear y"', WARNS
    ),
    Snippet(
        "0.x",
        'p = replicate.predictions.create(version=version, input={"prompt": "x"}); p.wait()',
        'p.status == "succeeded" and p.output == "Dear x"',
    ),
    Snippet(
        "0.x", 'lines = [line for line in replicate.run("me/poem:" + poem, input={"lines": 2})]', "len(lines) == 2"
    ),
    Snippet("0.x", 'given = replicate.Client(api_token="t").api_token', 'given == "t"'),
    Snippet("0.x", "seconds = replicate.default_client.poll_interval", "seconds == 0.5", POLLS),
]

V1 = [
    Snippet(
        "1.x",
        'out = replicate.run("me/pictures", {"count": 2}, use_file_output=False, wait=30)',
        "len(out) == 2 and type(out[0]) is str",
    ),
    Snippet(
        "1.x",
        'out = replicate.run("me/pictures", input={}); _ = Path("copy.png").write_bytes(out[0].read())',
        'Path("copy.png").read_bytes() == picture',
    ),
    Snippet("1.x", 'chunks = list(replicate.run("me/pictures", input={})[0])', 'b"".join(chunks) == picture'),
    Snippet(
        "1.x",
        'out = replicate.run("me/song", input={"lines": 2}); text = "".join(out)',
        'isinstance(out, list) and out == ["line 1\\n", "line 2\\n"] and text == str(out)',
        "`str()` of the list is its text",
    ),
    Snippet(
        "1.x",
        'for item in replicate.run("me/poem:" + poem, input={"lines": 2}): print(item, end="")',
        'printed() == "line 1\\nline 2\\n"',
    ),
    Snippet(
        "1.x",
        'text = replicate.run("me/letter", input={"prompt": "a.png"})',
        'text == "Dear a.png"',
    ),
    Snippet(
        "1.x",
        'for event in replicate.stream("me/poem", input={}): print(str(event), end="")',
        'event.event == "done" and event.id and printed().startswith("line 1")',
    ),
    Snippet(
        "1.x",
        "kinds = {event.event.value for event in replicate.stream('me/poem', input={})}",
        'kinds >= {"output", "done"}',
    ),
    Snippet(
        "1.x",
        'pieces = [str(event) async for event in await replicate.async_stream("me/poem", input={})]',
        '"line 1" in "".join(pieces)',
    ),
    Snippet("1.x", 'text = await replicate.async_run("me/letter", input={"prompt": "x"})', 'text == "Dear x"'),
    Snippet(
        "1.x",
        'p = await replicate.predictions.async_create(model="me/song", input={})\n'
        'while p.status not in ("succeeded", "failed", "canceled"): p.reload()',
        'p.status == "succeeded"',
    ),
    Snippet(
        "1.x",
        "import asyncio; page = await asyncio.create_task(replicate.predictions.async_list())",
        "len(page) == len(page.results)",
    ),
    Snippet("1.x", "items = [item async for item in p.async_output_iterator()]", "len(items) >= 1"),
    Snippet(
        "1.x",
        "from unittest.mock import patch\n"
        'with patch.object(replicate.Client, "async_run", return_value="mocked"): '
        'text = await replicate.Client().async_run("me/letter", input={})',
        'text == "mocked"',
    ),
    Snippet(
        "1.x",
        "from unittest.mock import create_autospec; double = create_autospec(replicate.Client, instance=True); "
        'double.run.return_value = "mocked"; text = double.run("me/letter", input={})',
        'text == "mocked"',
    ),
    Snippet(
        "1.x",
        "import types; streamed = isinstance(replicate.stream('me/poem', input={}), types.GeneratorType)",
        "streamed",
    ),
    Snippet("1.x", "client = replicate.Client(); closed = client._client.is_closed", "closed is False"),
    Snippet("1.x", "import pickle; same = pickle.loads(pickle.dumps(p)).output", "same == p.output"),
    Snippet("1.x", 'p = replicate.predictions.create(model="me/song", input={}, stream=True)', "p.id"),
    Snippet("1.x", 'addresses = p.urls["get"], p.urls.get("stream")', "addresses[0].endswith(p.id) and addresses[1]"),
    Snippet("1.x", 'p.wait(); seconds = p.metrics["predict_time"]', "seconds >= 0"),
    Snippet("1.x", "day = p.created_at[:10]; year = p.created_at.split('-')[0]", "len(day) == 10"),
    Snippet(
        "1.x",
        "from datetime import datetime; made = datetime.fromisoformat(p.created_at.replace('Z', '+00:00'))",
        "made == p.created_at",
    ),
    Snippet(
        "1.x",
        "import json; texts = json.dumps(p.urls), json.dumps(p.metrics); is_one = isinstance(p.urls, dict)",
        "is_one",
    ),
    Snippet("1.x", "day = str(p.created_at.date()), p.to_dict()['created_at'][:10]", "day[0] == day[1]"),
    Snippet("1.x", 'same = dict(p)["id"]; plain = p.dict(); text = p.json()', "same == plain['id'] and same in text"),
    Snippet("1.x", "p.reload(); p.cancel(); done = p.progress", "done is None"),
    Snippet("1.x", "items = list(p.output_iterator())", "len(items) == 3"),
    Snippet(
        "1.x",
        "page = replicate.predictions.list(); first = page[0]; rest = replicate.predictions.list(page.next)",
        "len(page) == 2 and first.id not in [each.id for each in rest]",
    ),
    Snippet(
        "1.x",
        "names = [each.slug for page in replicate.paginate(replicate.collections.list) for each in page]",
        'names == ["one", "two"]',
    ),
    Snippet(
        "1.x", 'one = replicate.collections.get("one"); models = [each.name for each in one]', 'models == ["letter"]'
    ),
    Snippet(
        "1.x",
        't = replicate.trainings.create("me/letter:" + letter, {"a": 1}, "me/mine")',
        "t.wait().status == 'succeeded'",
    ),
    Snippet(
        "1.x",
        't = replicate.trainings.create(model="me/letter", version=letter, input={}, destination=("me", "mine"))',
        "t.wait().status == 'succeeded'",
    ),
    Snippet(
        "1.x",
        'p = replicate.deployments.get("local/service").predictions.create(input={}, wait=True)',
        'p.status == "succeeded"',
    ),
    Snippet("1.x", 'gone = replicate.models.delete("me/old")', "gone is True", DELETED),
    Snippet("1.x", 'file = replicate.files.create("a.png")', "file.size == len(picture)"),
    Snippet(
        "1.x",
        'with open("a.png", "rb") as content: url = replicate.files.create(content, filename="b.png", '
        'content_type="image/png", metadata={"k": 1}).urls["get"]',
        'url.startswith("http")',
    ),
    Snippet(
        "1.x",
        "from replicate.exceptions import ReplicateError, ModelError\n"
        'try: replicate.run("me/broken", input={})\n'
        "except ModelError as error: failed = error.prediction",
        'failed.status == "failed" and not issubclass(ModelError, ReplicateError)',
        FAILS,
    ),
    Snippet(
        "1.x",
        'try: replicate.run("me/broken", input={})\nexcept ModelError as error: text = str(error)',
        'text == "out of paper"',
    ),
    Snippet(
        "1.x",
        'try: replicate.predictions.get("nothing")\n'
        "except ReplicateError as error: text, status, detail = str(error), error.status, error.detail",
        'text.splitlines() == ["ReplicateError Details:", f"status: {status}", f"detail: {detail}"] and status == 404',
    ),
    Snippet(
        "1.x",
        "from replicate.webhook import Webhooks, WebhookSigningSecret, InvalidSignatureError\n"
        "valid = Webhooks.validate(headers=headers, body=body, secret=replicate.webhooks.default.secret())",
        "valid is True and issubclass(InvalidSignatureError, ValueError)",
        "an invalid one raises, as it did",
    ),
    Snippet(
        "1.x",
        'client = replicate.Client(api_token="t", timeout=httpx.Timeout(10), headers={"User-Agent": "x"}, '
        "transport=httpx.MockTransport(answer)); p = client.predictions.get('p1'); client.close()",
        'p.id == "p1" and asked[-1].headers["user-agent"] == "x"',
    ),
]

V2 = [
    Snippet(
        "2.0b",
        'draw = replicate.use("me/pictures"); out = draw(count=2); open(out[0], "rb").close(); '
        "url = replicate.get_path_url(out[0])",
        'url.startswith("http")',
        "the file is a `FileOutput`: opening it as a path works as before, and `str()` of it is its URL",
    ),
    Snippet("2.0b", 'lines = [line for line in replicate.use("me/poem", streaming=True)(lines=2)]', "len(lines) == 2"),
    Snippet("2.0b", "run = draw.create(count=1); logs = run.logs(); out = run.output()", "len(out) == 1"),
    Snippet("2.0b", 'text = await replicate.use("me/letter", use_async=True)(prompt="x")', 'text == "Dear x"'),
    Snippet(
        "2.0b",
        "from replicate import Replicate, AsyncReplicate, NotFoundError, RateLimitError, DefaultHttpxClient",
        "issubclass(NotFoundError, replicate.APIStatusError)",
    ),
    Snippet(
        "2.0b",
        "client = Replicate(bearer_token=token, max_retries=0, timeout=20.0); "
        "p = client.with_options(timeout=5).predictions.get(prediction_id=known)",
        "p.id == known",
    ),
    Snippet("2.0b", "p = client.predictions.wait(p.id)", 'p.status == "succeeded"'),
    Snippet("2.0b", 'address = p.urls.get + "/cancel"', 'address.endswith(known + "/cancel")'),
    Snippet("2.0b", "facts = p.created_at.year, p.metrics.predict_time", "facts[0] > 2000 and facts[1] >= 0"),
    Snippet("2.0b", "plain = p.to_dict(); more = p.model_extra", "plain['id'] == p.id and more is not None"),
    Snippet(
        "2.0b",
        'names = [model.name for model in client.models.list(sort_by="model_created_at")]',
        'len(names) > 2 and {"letter", "poem"} <= {*names}',
    ),
    Snippet(
        "2.0b",
        "page = client.predictions.list(); more = page.has_next_page(), page.next_page_info(); "
        "other = page.get_next_page()",
        "more[0] is True and len(other) > 0",
    ),
    Snippet(
        "2.0b",
        "r = client.predictions.with_raw_response.create(version=letter, input={}); p = r.parse()",
        'p.id and r.headers["content-type"] == "application/json"',
    ),
    Snippet(
        "2.0b",
        "with client.predictions.with_streaming_response.get(prediction_id=p.id) as r: lines = list(r.iter_lines())",
        "p.id in ''.join(lines)",
    ),
    Snippet(
        "2.0b",
        'r = client.post("/predictions", cast_to=httpx.Response, body={"version": letter, "input": {}})',
        "r.status_code == 201",
    ),
    Snippet("2.0b", 'found = client.search(query="letter").models', 'found[0].model.name == "letter"'),
    Snippet(
        "2.0b",
        "replicate.bearer_token = token; me = replicate.account.get(); replicate.bearer_token = None",
        "me.username",
    ),
    Snippet("2.0b", "key = replicate.webhooks.default.secret.get().key", 'key.startswith("whsec_")'),
    Snippet(
        "2.0b",
        'schema = client.models.get(model_owner="me", model_name="letter").latest_version.openapi_schema',
        'schema["components"]',
    ),
    Snippet(
        "2.0b",
        'p = client.predictions.create(version=letter, input={}, prefer="wait=5", cancel_after="1m", '
        'extra_headers={"X": "1"}, timeout=9)',
        'p.output == "Dear you"',
    ),
    Snippet(
        "2.0b",
        'gone = client.models.delete(model_owner="me", model_name="older"); client.close()',
        "gone is True",
        DELETED + ", not `None`",
    ),
    Snippet(
        "2.0b",
        "from replicate.types import Prediction, ModelGetResponse, PredictionCreateParams\n"
        "from replicate.lib._predictions_use import get_path_url",
        "ModelGetResponse is replicate.Model",
    ),
]

SNIPPETS = [*V0, *V1, *V2]
