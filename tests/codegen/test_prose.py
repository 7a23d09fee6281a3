"""Our own descriptions are kept when the API's document is merged."""

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


def test_a_document_with_other_descriptions_becomes_ours() -> None:
    """A document that differs from ours in descriptions and order only becomes identical to ours."""
    theirs = backwards(strip(OURS))
    theirs["info"]["description"] = "Other words."
    theirs["components"]["schemas"]["schemas_model_response"]["properties"]["name"]["example"] = "theirs"
    assert json.dumps(prose.keep(OURS, theirs)) == json.dumps(OURS)


def test_facts_are_theirs() -> None:
    """Where the two documents state different facts, theirs win; what theirs does not have is removed."""
    theirs = json.loads(json.dumps(OURS))
    status = theirs["components"]["schemas"]["schemas_prediction_response"]["properties"]["status"]
    status["enum"] = ["queued"]
    del theirs["paths"]["/search"]
    merged = prose.keep(OURS, theirs)
    kept = merged["components"]["schemas"]["schemas_prediction_response"]["properties"]["status"]
    assert kept == status
    assert "/search" not in merged["paths"]


def test_new_entries_keep_their_own_descriptions() -> None:
    """An operation, parameter or field that is not in our document keeps its own description."""
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


def test_alternatives_of_one_type_keep_their_own_descriptions() -> None:
    """Among alternatives of the same type, each gets the description that our document has for the equal one."""
    small, large = ({"type": "string", "maxLength": size, "description": f"Up to {size}."} for size in (1, 9))
    ours = {"oneOf": [small, large]}
    assert prose.keep(ours, {"oneOf": [strip(large), strip(small)]}) == {"oneOf": [large, small]}
    other = {"type": "string", "maxLength": 5, "description": "New."}
    assert prose.keep(ours, {"oneOf": [small, large, other]}) == {"oneOf": [small, large, other]}
    assert prose.keep(ours, ours) == ours


def test_merged_document_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script prints the merged document in the form of openapi.json, or an error if it cannot read a document."""
    ours = PROJECT / "openapi.json"
    assert prose.main([str(ours), str(ours)]) == 0
    assert capsys.readouterr().out == ours.read_text(encoding="utf-8")
    assert prose.main([str(ours), str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
    assert prose.main([]) == 2
