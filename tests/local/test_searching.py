"""Collections and search."""

from typing import Any

import pytest

from replicate.local import Model, server


def upscale(factor: int = 2) -> int:
    """Make old photos larger."""
    return factor


def restore() -> None:
    """Repair old paintings."""


MODELS = {
    "me/upscaler": upscale,
    "me/restorer": Model(restore, official=True),
    "you/secret": Model(upscale, private=True, description="Old photos, for nobody else."),
    "you/speech": Model(restore, description="Read texts aloud."),
}


def names(found: list[dict[str, Any]]) -> list[str]:
    return [f"{model['owner']}/{model['name']}" for model in found]


def test_official_and_community_models_are_collections(api: Any) -> None:
    """By default there is one collection of each kind; the list of collections leaves out the models."""
    listed = api.get("collections").json()["results"]
    assert [(each["slug"], each["name"]) for each in listed] == [("official", "Official"), ("community", "Community")]
    assert all(each.keys() == {"slug", "name", "description"} for each in listed)
    collection = api.get("collections/community").json()
    assert collection["slug"] == "community"
    assert "me/upscaler" in collection["description"]
    assert collection["models"][0] == api.get("models/me/upscaler").json()
    assert api.get("collections/none").status_code == 404


def test_collections_can_be_given(serving: Any) -> None:
    """A given collection has a slug and models, in the given order; collections are listed in pages."""
    given = {"old-things": ["me/restorer", "me/upscaler"], "nothing": []}
    with serving(MODELS, collections=given, page_size=1) as api:
        first = api.get("collections").json()
        second = api.get(first["next"]).json()
        assert [each["name"] for page in (first, second) for each in page["results"]] == ["Old things", "Nothing"]
        assert names(api.get("collections/old-things").json()["models"]) == given["old-things"]
        assert api.get("collections/nothing").json()["models"] == []


def test_a_collection_with_an_unknown_model_is_refused() -> None:
    """An unknown model in a collection is refused at the start, and nothing stays open."""
    with pytest.raises(ValueError, match="'mine' has me/none"), server(MODELS, collections={"mine": ["me/none"]}):
        pass


def test_a_deleted_model_is_in_no_collection(serving: Any) -> None:
    """A deleted model is removed from all collections."""
    with serving({"me/secret": Model(upscale, private=True)}) as api:
        api.delete(f"models/me/secret/versions/{api.version('me/secret')}")
        api.delete("models/me/secret")
        assert api.get("collections/community").json()["models"] == []


def test_search_finds_models_collections_and_pages(api: Any) -> None:
    """Public models that match words of the query have a score, best first; collections name their models."""
    found = api.get("search", params={"query": "Old PHOTOS"}).json()
    assert found["query"] == "Old PHOTOS"
    assert names([each["model"] for each in found["models"]]) == ["me/upscaler", "me/restorer"]
    assert [each["metadata"]["score"] for each in found["models"]] == [1.0, 0.5]
    assert found["models"][0]["metadata"].keys() == {"generated_description", "score", "tags"}
    (collection,) = api.get("search", params={"query": "upscaler"}).json()["collections"]
    assert (collection["slug"], "me/upscaler" in collection["models"]) == ("community", True)
    (page,) = api.get("search", params={"query": "webhooks"}).json()["pages"]
    assert page == {"name": "Webhooks", "href": "/docs/topics/webhooks"}
    nothing = api.get("search", params={"query": "submarine"}).json()
    assert [nothing[kind] for kind in ("models", "collections", "pages")] == [[], [], []]


def test_search_is_limited(api: Any) -> None:
    """`limit` bounds the number of models, and must be from 1 to 50."""
    assert len(api.get("search", params={"query": "old", "limit": 1}).json()["models"]) == 1
    for limit in ("0", "51", "-1", "all"):
        answer = api.get("search", params={"query": "old", "limit": limit})
        assert (answer.status_code, "from 1 to 50" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("parameters", [{}, {"query": ""}, {"query": " "}])
def test_search_needs_a_query(api: Any, parameters: dict[str, str]) -> None:
    """A search without a query is a 400."""
    assert api.get("search", params=parameters).status_code == 400


def test_models_are_found_by_a_text(api: Any) -> None:
    """`QUERY /models` with a text returns a page of models."""
    answer = api.request("QUERY", "models", content="old photos", headers={"content-type": "text/plain"})
    assert answer.status_code == 200
    assert names(answer.json()["results"]) == ["me/upscaler", "me/restorer"]
    assert api.request("QUERY", "models", content="submarine").json()["results"] == []


def test_search_results_come_in_pages(serving: Any) -> None:
    """The URL of the next page continues the same search, for `GET` and for `QUERY`."""
    with serving(MODELS, page_size=1) as api:
        first = api.request("QUERY", "models", content="old photos").json()
        for method in ("GET", "QUERY"):
            second = api.request(method, first["next"]).json()
            assert names(first["results"] + second["results"]) == ["me/upscaler", "me/restorer"]
            assert second["next"] is None
