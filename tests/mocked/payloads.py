"""Responses of the API, as developers copy them from its documentation into tests."""

from __future__ import annotations

from typing import Any

API = "https://api.replicate.com/v1"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


def prediction(status: str = "succeeded", output: Any = None, **changes: Any) -> dict[str, Any]:
    name = changes.get("id", "p1")
    done = status in {"succeeded", "failed", "canceled"}
    return {
        "id": name,
        "model": "acme/writer",
        "version": VERSION,
        "input": {"prompt": "Hello"},
        "logs": "",
        "output": output,
        "data_removed": False,
        "error": None,
        "status": status,
        "created_at": "2026-01-02T03:04:05.678Z",
        "started_at": None if status == "starting" else "2026-01-02T03:04:06.123Z",
        "completed_at": "2026-01-02T03:04:07.456Z" if done else None,
        "metrics": {"predict_time": 1.333} if done else {},
        "urls": {
            "cancel": f"{API}/predictions/{name}/cancel",
            "get": f"{API}/predictions/{name}",
            "stream": f"https://stream.replicate.com/v1/files/{name}",
            "web": f"https://replicate.com/p/{name}",
        },
        **changes,
    }


def version(output: dict[str, Any] | None = None) -> dict[str, Any]:
    inputs = {
        "prompt": {"type": "string"},
        "image": {"type": "string", "format": "uri"},
        "file": {"type": "string", "format": "uri"},
        "steps": {"type": "integer"},
        "scale": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "seed": {"type": "integer", "nullable": True},
    }
    schemas = {
        "Input": {"type": "object", "title": "Input", "properties": inputs},
        "Output": output or {"type": "string", "title": "Output"},
    }
    return {
        "id": VERSION,
        "created_at": "2025-12-01T10:00:00.000Z",
        "cog_version": "0.16.8",
        "openapi_schema": {"openapi": "3.0.2", "paths": {}, "components": {"schemas": schemas}},
    }


WORDS = {
    "type": "array",
    "items": {"type": "string"},
    "title": "Output",
    "x-cog-array-type": "iterator",
    "x-cog-array-display": "concatenate",
}
PICTURES = {"type": "array", "items": {"type": "string", "format": "uri"}, "title": "Output"}


def model(output: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "url": "https://replicate.com/acme/writer",
        "owner": "acme",
        "name": "writer",
        "description": "Writes.",
        "visibility": "public",
        "github_url": None,
        "paper_url": None,
        "license_url": None,
        "run_count": 42,
        "cover_image_url": None,
        "default_example": None,
        "latest_version": version(output),
        **changes,
    }


def deployment(**configuration: Any) -> dict[str, Any]:
    return {
        "owner": "acme",
        "name": "live",
        "current_release": {
            "number": 1,
            "model": "acme/writer",
            "version": VERSION,
            "created_at": "2026-01-01T00:00:00.000Z",
            "created_by": {"type": "organization", "username": "acme", "name": "Acme", "github_url": None},
            "configuration": {"hardware": "gpu-t4", "min_instances": 0, "max_instances": 1, **configuration},
        },
    }


def training(status: str = "starting", **changes: Any) -> dict[str, Any]:
    return {
        "id": "t1",
        "model": "acme/writer",
        "version": VERSION,
        "input": {"input_images": "https://example.com/images.zip"},
        "logs": "",
        "error": None,
        "status": status,
        "output": None,
        "created_at": "2026-01-02T03:04:05.678Z",
        "started_at": None,
        "completed_at": None,
        "urls": {"get": f"{API}/trainings/t1", "cancel": f"{API}/trainings/t1/cancel"},
        **changes,
    }


def file(**changes: Any) -> dict[str, Any]:
    return {
        "id": "f1",
        "name": "notes.txt",
        "content_type": "text/plain",
        "size": 5,
        "etag": "0a1b",
        "checksums": {"sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
        "metadata": {},
        "created_at": "2026-01-02T03:04:05.678Z",
        "expires_at": "2026-01-03T03:04:05.678Z",
        "urls": {"get": f"{API}/files/f1"},
        **changes,
    }


def page(*results: dict[str, Any], after: str | None = None) -> dict[str, Any]:
    return {"previous": None, "next": after, "results": list(results)}


def problem(status: int, detail: str) -> dict[str, Any]:
    return {"title": "Something went wrong", "detail": detail, "status": status}


SSE = b"""\
event: output
id: 1690212292:0
data: Hello

event: output
id: 1690212293:0
data:  world

event: done
id: 1690212294:0
data: {}

"""
