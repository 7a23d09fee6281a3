"""What a client remembers of models is bounded."""

from __future__ import annotations

from replicate._models.descriptions import REMEMBERED, SCHEMAS, Description, Descriptions

ACCOUNT = ("https://api.example.test", 1)


def test_the_schemas_that_were_used_last_are_kept() -> None:
    """The one that has not been used for longest is forgotten, be it the one of a version or of a model."""
    known = Descriptions()
    known.keep(ACCOUNT, "me/model", Description({"a": 1}, "latest", official=True), 0)
    known.keep(ACCOUNT, None, Description({"b": 1}, "used"), 0)
    for number in range(3 * SCHEMAS):
        known.keep(ACCOUNT, None, Description({"c": number}, f"v{number}"), 0)
        model, version = known.of_model(ACCOUNT, "me/model", 0), known.of_version(ACCOUNT, "used")
        assert model is not None
        assert version is not None
        assert (model.openapi_schema, version.openapi_schema) == ({"a": 1}, {"b": 1})
    assert known.of_version(ACCOUNT, "v0") is None
    assert len(known._versions) == SCHEMAS


def test_all_that_is_remembered_is_bounded() -> None:
    """However many models there are, and inputs that they do not have."""
    known = Descriptions()
    for number in range(2000):
        known.keep(ACCOUNT, f"me/{number}", Description(None, f"v{number}"), 0)
        known.name(ACCOUNT, f"me/{number}", f"v{number}", "other")
        known.read[ACCOUNT, f"v{number}"] = None
        known.warned[f"me/{number}", "text"] = None
    assert max(len(each) for each in vars(known).values()) <= 1000
    assert len(known._latest) == len(known._named) == REMEMBERED
