"""The operations of the API, read from openapi.json, and the arguments to call each."""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path
from typing import Any

DOCUMENT = json.loads(Path(__file__).parents[2].joinpath("openapi.json").read_text("utf-8"))
OPERATIONS = {
    operation["operationId"]: (method.upper(), path)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if "operationId" in operation
}
OWNED = {"model_owner": "o", "model_name": "n"}
DEPLOYED = {"deployment_owner": "o", "deployment_name": "n"}
RELEASE = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "collections.get": {"collection_slug": "s"},
    "deployments.create": {"name": "n", "model": "o/n", "version": "v", **RELEASE},
    "deployments.delete": DEPLOYED,
    "deployments.get": DEPLOYED,
    "deployments.predictions.create": {**DEPLOYED, "input": {}},
    "deployments.update": {**DEPLOYED, **RELEASE},
    "files.create": {"content": b"abc"},
    "files.delete": {"file_id": "f"},
    "files.download": {"file_id": "f", "expiry": 1, "owner": "o", "signature": "s"},
    "files.get": {"file_id": "f"},
    "models.create": {"owner": "o", "name": "n", "hardware": "cpu", "visibility": "private"},
    "models.delete": OWNED,
    "models.examples.list": OWNED,
    "models.get": OWNED,
    "models.predictions.create": {**OWNED, "input": {}},
    "models.readme.get": OWNED,
    "models.search": {"query": "q"},
    "models.update": {**OWNED, "description": "d"},
    "models.versions.delete": {**OWNED, "version_id": "v"},
    "models.versions.get": {**OWNED, "version_id": "v"},
    "models.versions.list": OWNED,
    "predictions.cancel": {"prediction_id": "p"},
    "predictions.create": {"version": "v", "input": {}},
    "predictions.get": {"prediction_id": "p"},
    "search": {"query": "q"},
    "trainings.cancel": {"training_id": "t"},
    "trainings.create": {**OWNED, "version_id": "v", "input": {}, "destination": "me/mine"},
    "trainings.get": {"training_id": "t"},
}
"""The keywords of version 2. Operations that need none are left out."""
BY_METHOD = {"models.search": ("QUERY", "/models"), **OPERATIONS}
METHODS = sorted(BY_METHOD)


def found(root: Any, name: str) -> Any:
    """Follow an attribute path."""
    return reduce(getattr, name.split("."), root)
