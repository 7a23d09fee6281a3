"""Files: uploads, and output files of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from replicate.local.files import media_type, sendable
from replicate.local.problems import Problem, not_found
from replicate.local.routes.request import check_accepted, cloud_of, origin_of, page, parsed, place_of
from replicate.local.validation import is_object

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

_LARGEST = 100 * 1024 * 1024


async def create(request: Request) -> Response:
    """Store the file in a form's `content`."""
    async with request.form() as form:
        content = form.get("content")
        if not isinstance(content, UploadFile):
            raise Problem(400, 'Missing content: send the file as the part "content" of multipart/form-data.')
        if (content.size or 0) > _LARGEST:
            raise Problem(413, "The file is too large: the limit is 100 MiB.", title="Payload too large")
        name = str(form.get("filename") or content.filename or "file")
        kind = str(form.get("type") or content.content_type or "application/octet-stream")
        record = await run_in_threadpool(cloud_of(request).files.upload, content.file, name, kind, _metadata(form))
    return JSONResponse(_shown(request, record), 201)


def _metadata(form: FormData) -> dict[str, Any]:
    try:
        metadata = parsed(str(form.get("metadata") or "{}"))
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"metadata is not valid JSON: {error}") from error
    if not is_object(metadata):
        raise Problem(400, "metadata must be a JSON object.")
    return metadata


async def list_(request: Request) -> Response:
    """Answer with one page of uploads, newest first."""
    cloud = cloud_of(request)
    found = cloud.files.page(place_of(request), cloud.page_size + 1)
    return JSONResponse(page(request, found, lambda record: _shown(request, record)))


async def get(request: Request) -> Response:
    """Answer with the record of an upload."""
    record = cloud_of(request).files.record(request.path_params["id"])
    if record is None:
        raise not_found()
    return JSONResponse(_shown(request, record))


async def delete(request: Request) -> Response:
    """Delete an upload."""
    if not cloud_of(request).files.delete(request.path_params["id"]):
        raise not_found()
    return Response(status_code=204)


async def download(request: Request) -> Response:
    """Send the content of an upload, if the request has a valid signature."""
    files, identifier, query = cloud_of(request).files, request.path_params["id"], request.query_params
    record, path = files.record(identifier), files.uploaded(identifier)
    proofs = (query.get("owner", ""), query.get("expiry", ""), query.get("signature", ""))
    if not record or not path or not files.signed(identifier, *proofs):
        raise not_found()
    kind = sendable(record["content_type"])
    check_accepted(request, kind)
    return FileResponse(path, media_type=kind, filename=record["name"])


async def deliver(request: Request) -> Response:
    """Send an output file of a model."""
    path = cloud_of(request).files.delivered(request.path_params["folder"], request.path_params["name"])
    if path is None:
        raise not_found()
    return _Delivery(path, media_type=media_type(path))


class _Delivery(FileResponse):
    """A response with a file, possibly a large one: it is read in large blocks, and supports range requests."""

    chunk_size = 1 << 20


def _shown(request: Request, record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "urls": {"get": f"{origin_of(request)}/v1/files/{record['id']}"}}


ROUTES = [
    Route("/files", create, methods=["POST"]),
    Route("/files", list_),
    Route("/files/{id}", get),
    Route("/files/{id}", delete, methods=["DELETE"]),
    Route("/files/{id}/download", download),
    Route("/delivery/{folder}/{name}", deliver),
]
