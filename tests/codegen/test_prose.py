"""Our words survive when the API's own document comes in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import prose
from normal import strip
from project_tree import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OURS: dict[str, Any] = json.loads((PROJECT / "openapi.json").read_text(encoding="utf-8"))


def backwards(node: Any) -> Any:
    """Return a document with all its keys in reverse order."""
    if isinstance(node, dict):
        return {key: backwards(value) for key, value in reversed(node.items())}
    return [backwards(item) for item in node] if isinstance(node, list) else node


def test_their_document_in_our_words_is_ours() -> None:
    """A document that differs in words and order only becomes ours, to the byte."""
    theirs = backwards(strip(OURS))
    theirs["info"]["description"] = "Other words."
    theirs["components"]["schemas"]["schemas_model_response"]["properties"]["name"]["example"] = "theirs"
    assert json.dumps(prose.keep(OURS, theirs)) == json.dumps(OURS)


def test_facts_are_theirs() -> None:
    """What the two documents state differently is as theirs states it; what theirs lacks is gone."""
    theirs = json.loads(json.dumps(OURS))
    status = theirs["components"]["schemas"]["schemas_prediction_response"]["properties"]["status"]
    status["enum"] = ["queued"]
    del theirs["paths"]["/search"]
    merged = prose.keep(OURS, theirs)
    kept = merged["components"]["schemas"]["schemas_prediction_response"]["properties"]["status"]
    assert kept == status
    assert "/search" not in merged["paths"]


def test_what_is_new_keeps_its_own_words() -> None:
    """An operation, a parameter or a field that ours does not have comes with the words that it has."""
    theirs = strip(OURS)
    field = {"type": "string", "description": "New.", "example": "x"}
    parameter = {"name": "cursor", "in": "query", "description": "New.", "schema": {"type": "string"}}
    theirs["components"]["schemas"]["schemas_model_response"]["properties"]["title"] = field
    theirs["paths"]["/models"]["get"]["parameters"].insert(0, parameter)
    merged = prose.keep(OURS, theirs)
    properties = merged["components"]["schemas"]["schemas_model_response"]["properties"]
    parameters = merged["paths"]["/models"]["get"]["parameters"]
    assert properties["title"] == field
    assert list(properties)[-1] == "title"
    assert parameters == [parameter, *OURS["paths"]["/models"]["get"]["parameters"]]


def test_alternatives_of_one_type_keep_their_own_words() -> None:
    """Of alternatives of the same type, each is described as ours describes the one that states the same."""
    small, large = ({"type": "string", "maxLength": size, "description": f"Up to {size}."} for size in (1, 9))
    ours = {"oneOf": [small, large]}
    assert prose.keep(ours, {"oneOf": [strip(large), strip(small)]}) == {"oneOf": [large, small]}
    other = {"type": "string", "maxLength": 5, "description": "New."}
    assert prose.keep(ours, {"oneOf": [small, large, other]}) == {"oneOf": [small, large, other]}
    assert prose.keep(ours, ours) == ours


def test_merged_document_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script prints the merged document as it is kept in openapi.json, and says so when it cannot."""
    ours = PROJECT / "openapi.json"
    assert prose.main([str(ours), str(ours)]) == 0
    assert capsys.readouterr().out == ours.read_text(encoding="utf-8")
    assert prose.main([str(ours), str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
    assert prose.main([]) == 2
