"""Models and versions over HTTP, and the catalog behind them."""

import threading
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from replicate.local import ManualClock, Model, server
from replicate.local.models import version_of


def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


MODELS = {
    "me/shout": shout,
    "me/official": Model(shout, official=True, description="Said so here."),
    "you/third.one": lambda: None,
}


def test_a_model_is_shown_with_its_latest_version(api: Any) -> None:
    """A model has its owner and name, its docstring as description, and the schema of its function."""
    model = api.get("models/me/shout").json()
    assert (model["owner"], model["name"], model["is_official"]) == ("me", "shout", False)
    assert model["description"] == "Say it louder."
    assert model["visibility"] == "public"
    version = model["latest_version"]
    assert len(version["id"]) == 64
    assert version["cog_version"]
    assert version["created_at"].endswith("Z")
    schemas = version["openapi_schema"]["components"]["schemas"]
    assert schemas["Input"]["required"] == ["text"]
    assert schemas["Output"] == {"title": "Output", "type": "string"}


def test_runs_are_counted(api: Any) -> None:
    """`run_count` grows with each prediction."""
    before = api.get("models/me/shout").json()["run_count"]
    api.run("me/shout", {"text": "a"})
    assert api.get("models/me/shout").json()["run_count"] == before + 1


def test_a_community_model_has_versions(api: Any) -> None:
    """A community model's only version is listed, and is the latest."""
    latest = api.get("models/me/shout").json()["latest_version"]
    assert api.get("models/me/shout/versions").json() == {"previous": None, "next": None, "results": [latest]}
    assert api.get(f"models/me/shout/versions/{latest['id']}").json() == latest
    assert api.get(f"models/me/shout/versions/{'0' * 64}").status_code == 404


def test_an_official_model_has_no_versions(api: Any) -> None:
    """An official model shows its latest version in itself only, and lists none."""
    model = api.get("models/me/official").json()
    assert (model["is_official"], model["description"]) == (True, "Said so here.")
    assert model["latest_version"]["openapi_schema"]
    assert api.get("models/me/official/versions").status_code == 404
    assert api.get(f"models/me/official/versions/{model['latest_version']['id']}").status_code == 404


def test_an_unknown_model_is_a_404(api: Any) -> None:
    """An unknown model, or a version of one, is the API's 404."""
    for path in ("models/me/other", "models/me/other/versions", "models/me/other/versions/1"):
        answer = api.get(path)
        assert answer.status_code == 404
        assert answer.json() == {"detail": "The requested resource could not be found.", "status": 404}


def test_models_are_listed(api: Any) -> None:
    """All models are listed, in both orders."""
    names = [model["name"] for model in api.get("models").json()["results"]]
    assert names == ["third.one", "official", "shout"]
    ascending = api.get("models", params={"sort_direction": "asc"}).json()["results"]
    assert [model["name"] for model in ascending] == names[::-1]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_models_are_listed_page_by_page(serving: Any, direction: str) -> None:
    """A page links to the next and to the previous one."""
    with serving(MODELS, page_size=2) as api:
        first = api.get("models", params={"sort_direction": direction}).json()
        second = api.get(first["next"]).json()
        assert (first["previous"], second["next"]) == (None, None)
        assert [len(page["results"]) for page in (first, second)] == [2, 1]
        assert api.get(second["previous"]).json() == first


def test_models_are_sorted_by_their_newest_versions(serving: Any) -> None:
    """A model with a newer trained version comes first, unless the models' own dates are requested."""
    clock = ManualClock()
    with serving({"me/first": Model(shout, train=lambda: None), "me/second": shout}, clock=clock) as api:
        clock.advance(1)
        api.trained(api.train("me/first", "me/first").json())
        for sort_by, names in (("latest_version_created_at", "first second"), ("model_created_at", "second first")):
            found = api.get("models", params={"sort_by": sort_by}).json()["results"]
            assert [model["name"] for model in found] == names.split()


def new(name: str = "new", **more: Any) -> dict[str, Any]:
    return {"owner": "me", "name": name, "visibility": "private", "hardware": "cpu", **more}


def test_a_created_model_has_no_version(api: Any) -> None:
    """A created model has the fields of the request, and cannot be run."""
    answer = api.post("models", json=new(description="Soon.", github_url="https://example.com/code"))
    model = answer.json()
    assert answer.status_code == 201
    assert (model["owner"], model["name"], model["visibility"]) == ("me", "new", "private")
    assert (model["description"], model["github_url"], model["paper_url"]) == (
        "Soon.",
        "https://example.com/code",
        None,
    )
    assert (model["latest_version"], model["run_count"], model["is_official"]) == (None, 0, False)
    assert api.get("models/me/new").json() == model
    assert api.get("models/me/new/versions").json()["results"] == []
    assert api.post("predictions", json={"version": "me/new", "input": {}}).status_code == 422


def test_private_models_are_not_listed(api: Any) -> None:
    """The list has public models only."""
    api.post("models", json=new("unlisted"))
    api.post("models", json=new("listed", visibility="public"))
    names = {model["name"] for model in api.get("models").json()["results"]}
    assert ("listed" in names, "unlisted" in names) == (True, False)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"visibility": "hidden"}, 'visibility must be one of the following: "public", "private"'),
        ({"hardware": "abacus"}, "hardware must be one of the following"),
        ({"owner": None}, "Invalid type. Expected: string, given: null"),
        ({"name": "a/b"}, "owner/name"),
    ],
)
def test_an_invalid_model_is_refused(api: Any, change: dict[str, Any], detail: str) -> None:
    """The response names what is wrong with the new model."""
    answer = api.post("models", json=new(**change))
    assert (answer.status_code, detail in answer.json()["detail"]) == (422, True)


def test_a_name_is_unique(api: Any) -> None:
    """A second model of the same name is a conflict."""
    assert api.post("models", json=new("shout")).status_code == 409


def test_a_model_can_be_updated(api: Any) -> None:
    """An update changes the given fields that can be changed, and keeps the others."""
    api.post("models", json=new("changing", description="Before.", paper_url="https://example.com/paper"))
    answer = api.patch("models/me/changing", json={"description": "After.", "readme": "# Me", "visibility": "public"})
    model = answer.json()
    assert (answer.status_code, model["description"], model["visibility"]) == (200, "After.", "private")
    assert model["paper_url"] == "https://example.com/paper"
    assert api.get("models/me/changing").json() == model
    assert api.get("models/me/changing/readme").text == "# Me"
    assert api.patch("models/me/changing", json={"description": 1}).status_code == 422
    assert api.patch("models/me/none", json={}).status_code == 404


def test_a_readme_is_plain_text(serving: Any) -> None:
    """A readme is served as it was given to the server; a model without one is a 404."""
    with serving({"me/read": Model(shout, readme="# Shout ñ\n"), "me/unread": shout}) as api:
        answer = api.get("models/me/read/readme")
        assert (answer.text, answer.headers["content-type"]) == ("# Shout ñ\n", "text/plain; charset=utf-8")
        assert api.get("models/me/unread/readme").status_code == 404


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/plain", 200),
        ("TEXT/Plain; charset=utf-8", 200),
        ("application/json, text/*;q=0.5", 200),
        ("application/json, */*; q=0.1", 200),
        ("application/json", 406),
        ("text/markdown", 406),
        ("text/plain;q=0, */*", 406),
    ],
)
def test_a_readme_is_sent_if_plain_text_is_accepted(serving: Any, accept: str, status: int) -> None:
    """If `Accept` excludes plain text, the response is the API's 406."""
    with serving({"me/read": Model(shout, readme="# Shout")}) as api:
        answer = api.get("models/me/read/readme", headers={"Accept": accept})
        assert answer.status_code == status
        assert (answer.headers["content-type"] == "application/problem+json") is (status == 406)


def test_examples_are_predictions(serving: Any) -> None:
    """Examples given to a model are finished predictions, and the first one is its default example."""
    pairs = [({"text": word}, word.upper()) for word in ("a", "b", "c")]
    with serving({"me/shown": Model(shout, examples=pairs), "me/plain": shout}, page_size=2) as api:
        first = api.get("models/me/shown/examples").json()
        second = api.get(first["next"]).json()
        examples = first["results"] + second["results"]
        assert [(each["input"], each["output"], each["status"]) for each in examples] == [
            (given, output, "succeeded") for given, output in pairs
        ]
        assert api.get("models/me/shown").json()["default_example"] == examples[0]
        assert api.get("models/me/plain/examples").json()["results"] == []
        assert len(api.srv.predictions) == 0


def test_a_model_is_deleted_after_its_versions(serving: Any) -> None:
    """Deleting a version of a private model deletes its predictions; a model without versions can be deleted."""
    started, go = threading.Event(), threading.Event()

    def held(wait: bool = False) -> None:  # noqa: FBT001, FBT002 - an input of the model
        started.set()
        if wait:
            go.wait(20)

    with serving({"me/private": Model(held, private=True)}) as api:
        version = f"models/me/private/versions/{api.version('me/private')}"
        done = api.run("me/private")
        started.clear()
        running = api.create("me/private", {"wait": True}).json()
        assert started.wait(10)
        refused = api.delete("models/me/private")
        assert (refused.status_code, "versions" in refused.json()["detail"]) == (409, True)
        answer = api.delete(version)
        assert (answer.status_code, answer.content) == (202, b"")
        assert api.get(version).status_code == api.delete(version).status_code == 404
        for prediction in (done, running):
            assert api.get(prediction["urls"]["get"]).status_code == 404
        assert api.get("models/me/private").json()["latest_version"] is None
        answer = api.delete("models/me/private")
        assert (answer.status_code, answer.content) == (204, b"")
        assert api.get("models/me/private").status_code == api.delete("models/me/private").status_code == 404
        go.set()


def test_public_models_and_versions_in_use_cannot_be_deleted(serving: Any) -> None:
    """Public models and their versions cannot be deleted, nor versions that are deployed or being trained."""
    started, go = threading.Event(), threading.Event()

    def train() -> None:
        started.set()
        go.wait(20)

    with serving({"me/shout": shout, "me/used": Model(shout, private=True, train=train)}) as api:
        assert api.delete("models/me/shout").status_code == 403
        assert api.delete(f"models/me/shout/versions/{api.version('me/shout')}").status_code == 403
        identifier = api.version("me/used")
        version = f"models/me/used/versions/{identifier}"
        deployment = {"name": "d", "model": "me/used", "version": identifier, "hardware": "cpu"}
        api.post("deployments", json={**deployment, "min_instances": 0, "max_instances": 1})
        assert api.delete(version).status_code == 409
        api.delete("deployments/local/d")
        training = api.train("me/used", "me/used").json()
        assert started.wait(10)
        assert api.delete(version).status_code == 409
        api.post(training["urls"]["cancel"])
        assert api.delete(version).status_code == 202
        go.set()


def test_models_and_their_changes_survive_a_restart(serving: Any, tmp_path: Path) -> None:
    """With a store on disk, created models, deletions and updates are kept."""
    store = tmp_path / "a.db"
    with serving({"me/shout": shout}, store=store) as api:
        kept = api.post("models", json=new("kept")).json()
        api.post("models", json=new("gone"))
        api.delete("models/me/gone")
        for description in ("Louder.", "Loudest."):
            api.patch("models/me/shout", json={"description": description})
    with serving({"me/shout": shout}, store=store) as api:
        assert api.get("models/me/kept").json() == kept
        assert api.get("models/me/gone").status_code == 404
        assert api.get("models/me/shout").json()["description"] == "Loudest."
    with serving({}, store=store) as api:  # a model that is neither served nor was created does not exist
        assert api.get("models/me/shout").status_code == 404


def test_the_same_function_has_the_same_version() -> None:
    """A version's id depends on name, schema and source, so it is the same after a restart."""
    from datetime import datetime

    def one(text: str) -> str:
        return text

    def two(text: str) -> str:
        return text + text

    now = datetime.now(UTC)
    versions = [version_of("me/model", Model(each), now).id for each in (one, one, two, globals()["len_of"])]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


exec("def len_of(text: str) -> str:\n    return text", globals())  # a function whose source cannot be read


@pytest.mark.parametrize("reference", ["model", "me/", "/model", "me/model:1", "me/a/b", "mé/model", ""])
def test_a_model_needs_an_owner_and_a_name(reference: str) -> None:
    """A reference that is not `owner/name` is refused at the start, and nothing stays open."""
    with pytest.raises(ValueError, match="owner/name"), server({reference: shout}):
        pass
