"""Models and versions over HTTP, and the catalog behind them."""

from __future__ import annotations

from typing import Any

import pytest

from replicate.local import Model, server
from replicate.local.models import Catalog


def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


MODELS = {
    "me/shout": shout,
    "me/official": Model(shout, official=True, description="Said so here."),
    "you/third.one": lambda: None,
}


def test_a_model_is_shown_with_its_latest_version(api: Any) -> None:
    """A model has its names, its docstring as description, and the schema of its function."""
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
    """Its one version is listed, and is the latest."""
    latest = api.get("models/me/shout").json()["latest_version"]
    assert api.get("models/me/shout/versions").json() == {"previous": None, "next": None, "results": [latest]}
    assert api.get(f"models/me/shout/versions/{latest['id']}").json() == latest
    assert api.get(f"models/me/shout/versions/{'0' * 64}").status_code == 404


def test_an_official_model_has_no_versions(api: Any) -> None:
    """An official model shows its latest version in itself only."""
    model = api.get("models/me/official").json()
    assert (model["is_official"], model["description"]) == (True, "Said so here.")
    assert model["latest_version"]["openapi_schema"]
    assert api.get("models/me/official/versions").status_code == 404
    assert api.get(f"models/me/official/versions/{model['latest_version']['id']}").status_code == 404


def test_there_is_no_unknown_model(api: Any) -> None:
    """An unknown model, or a version of one, is the API's 404."""
    for path in ("models/me/other", "models/me/other/versions", "models/me/other/versions/1"):
        answer = api.get(path)
        assert answer.status_code == 404
        assert answer.json() == {"detail": "The requested resource could not be found.", "status": 404}


def test_models_are_listed(api: Any) -> None:
    """All models are listed, in either order."""
    names = [model["name"] for model in api.get("models").json()["results"]]
    assert names == ["third.one", "official", "shout"]
    ascending = api.get("models", params={"sort_direction": "asc"}).json()["results"]
    assert [model["name"] for model in ascending] == names[::-1]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_models_are_listed_page_by_page(serving: Any, direction: str) -> None:
    """A page links to the next and to the one before."""
    with serving(MODELS, page_size=2) as api:
        first = api.get("models", params={"sort_direction": direction}).json()
        second = api.get(first["next"]).json()
        assert (first["previous"], second["next"]) == (None, None)
        assert [len(page["results"]) for page in (first, second)] == [2, 1]
        assert api.get(second["previous"]).json() == first


def test_the_same_function_has_the_same_version_again() -> None:
    """A version's id depends on name, schema and source, so that it outlives the server."""
    from datetime import datetime, timezone

    def one(text: str) -> str:
        return text

    def two(text: str) -> str:
        return text + text

    now = datetime.now(timezone.utc)
    versions = [
        entry.version for model in (one, one, two, globals()["len_of"]) for entry in Catalog({"me/model": model}, now)
    ]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


exec("def len_of(text: str) -> str:\n    return text", globals())  # source that cannot be read


@pytest.mark.parametrize("reference", ["model", "me/", "/model", "me/model:1", "me/a/b", "mé/model", ""])
def test_a_model_needs_an_owner_and_a_name(reference: str) -> None:
    """A reference that is not `owner/name` is refused at the start, and nothing is left open."""
    with pytest.raises(ValueError, match="owner/name"), server({reference: shout}):
        pass
