"""Files uploaded for models to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from replicate._core.dual import C, dual
from replicate._core.resource import Namespace, Resource
from replicate._data.inputs import check_size, form, inspected
from replicate_api import models
from replicate_api.api.files import files_create

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from typing_extensions import Unpack

    from replicate._core.options import RequestOptions


class File(Resource[C], models.File):
    """An uploaded file: `urls.get` is what a model takes. It expires a day after its upload."""


class Files(Namespace[C]):
    """`client.files`: https://replicate.com/docs/reference/http#files."""

    @dual
    async def create(
        self,
        file: str | PathLike[str] | BinaryIO | bytes,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **options: Unpack[RequestOptions],
    ) -> File[C]:
        """Upload a file of at most 100 MiB: a path, an open binary file, or bytes.

        Its name and MIME type are taken from the file unless given; `metadata` is any JSON object, kept with it.
        Maps to `files.create`. Raises FileNotFoundError, TypeError, ValueError before anything is sent; APIError.
        """
        upload = inspected(file, "file", filename, content_type)
        check_size(upload, "file")
        with upload.opened() as content:
            stored = await self._session.given(options).call(files_create, body=form(upload, content, metadata))
        return File[C].bind(stored, self._session)
