"""Artifacts: archives of code, kept once by their hash and never changed."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Header
from fastapi.concurrency import contextmanager_in_threadpool
from pydantic import BaseModel, Field, StrictInt, StringConstraints
from sqlalchemy import Connection, select
from sqlalchemy.engine import Row
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from dagy_server.artifact_storage import IncomingFile, PresignedUpload, UploadStorage
from dagy_server.byte_range import ByteRange, UnsatisfiableRange, parse_range
from dagy_server.clock import to_datetime
from dagy_server.database.inserts import insert_if_absent
from dagy_server.database.schema import artifacts
from dagy_server.documents import again, error_responses, required_headers
from dagy_server.errors import RangeError, TooLargeError
from dagy_server.field_types import RequestModel
from dagy_server.ids import new_id
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.transactions import Answer, Call, Change, Document, View
from dagy_types import ArtifactInfo, api_document
from dagy_types.errors import ArtifactError, NotFoundError, UsageError

router = Router("artifacts")

_BYTES = "application/octet-stream"
_WRITE_BYTES = 1024 * 1024
_UPLOAD_HINT = "POST /artifacts uploads one."
_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
_BINARY = {"content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}}}

_OF_DOWNLOADS = ("Accept-Ranges", "Content-Disposition", "ETag", "X-Content-SHA256")

_DOWNLOAD_HEADERS = {
    "Accept-Ranges": "bytes",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


class UploadBody(RequestModel):
    """What is to be sent past this server."""

    sha256: _Sha256
    size_bytes: Annotated[StrictInt, Field(ge=0)]


class UploadDocument(BaseModel):
    """Either the artifact, or where to send it."""

    artifact: ArtifactInfo | None
    upload: PresignedUpload | None


@route(
    router,
    "POST",
    "/artifacts",
    needs=Permission.ARTIFACTS_WRITE,
    audit="artifact.uploaded",
    operation="artifacts.upload",
    response=ArtifactInfo,
    responses=again(ArtifactInfo),
    status=201,
    accepts=_BYTES,
    streams=True,
    openapi={"requestBody": {"required": True, **_BINARY}},
)
async def upload_artifact(
    call: Call, sha256: Annotated[_Sha256, Header(alias="X-Content-SHA256")]
) -> Response:
    """Upload an archive; it is kept if it has the hash that it should, and kept once."""
    storage = call.services.artifacts
    limit = call.services.settings.max_artifact_bytes
    _require_size(call.request.headers.get("content-length"), limit)
    async with contextmanager_in_threadpool(storage.receive()) as file:
        await _receive(call.request, file, limit)
        received = await run_in_threadpool(file.finish)
        if received.sha256 != sha256:
            raise ArtifactError(
                f"What came has the SHA-256 {received.sha256} and not {sha256}.",
                hint="Upload it again: it was cut off or changed on its way.",
            )
        # Not in the transaction: others would wait for the disk. What is published and then has
        # no row, is in nobody's way; the next upload of it finds it there.
        await run_in_threadpool(storage.publish, call.caller.organisation_id, received)
    keep = partial(_keep, sha256=sha256, size=received.size)
    return await call.change_async(keep, fingerprint=sha256.encode())


@route(
    router,
    "POST",
    "/artifacts/uploads",
    needs=Permission.ARTIFACTS_WRITE,
    audit="artifact.uploaded",
    operation="artifacts.upload_past",
    response=UploadDocument,
    responses=error_responses(404)
    | {201: {"model": UploadDocument, "description": "It has come, and is an artifact now"}},
)
def upload_past(call: Call, body: UploadBody) -> Response | Answer:
    """Get an artifact, or else a URL to send it to; then ask again, and have it.

    For servers whose artifacts are in S3. The answer has either an ``artifact`` or an ``upload``.
    """
    storage = call.services.artifacts
    if not isinstance(storage, UploadStorage):
        raise NotFoundError(
            "This server takes no uploads past itself.", hint="Use POST /artifacts."
        )
    _require_size(str(body.size_bytes), call.services.settings.max_artifact_bytes)
    organisation_id = call.caller.organisation_id
    with call.view() as view:
        row = _find_by_hash(view.connection, organisation_id, body.sha256)
    if row is not None:
        return Answer({"artifact": _document(row), "upload": None})
    if storage.accept(organisation_id, body.sha256, body.size_bytes):
        return call.change(
            lambda change: _with_upload(_keep(change, sha256=body.sha256, size=body.size_bytes))
        )
    upload = storage.presign(organisation_id, body.sha256, body.size_bytes)
    return Answer({"artifact": None, "upload": api_document(upload)})


@route(
    router,
    "GET",
    "/artifacts/by-sha256/{sha256}",
    needs=Permission.ARTIFACTS_READ,
    operation="artifacts.find",
    response=ArtifactInfo,
)
def find_by_hash(view: View, sha256: str) -> Document:
    """Get what there is to know of the artifact with this hash, without its bytes."""
    row = _find_by_hash(view.connection, view.caller.organisation_id, sha256.lower())
    if row is None:
        raise NotFoundError("There is no artifact with this hash.", hint=_UPLOAD_HINT)
    return _document(row)


@route(
    router,
    "GET",
    "/artifacts/{artifact_id}",
    needs=Permission.ARTIFACTS_READ,
    operation="artifacts.download",
    responses=error_responses(416)
    | {
        200: {**_BINARY, "headers": required_headers(*_OF_DOWNLOADS)},
        206: {
            **_BINARY,
            "description": "The part that was asked for",
            "headers": required_headers("Content-Range", *_OF_DOWNLOADS),
        },
        304: {"description": "It is known already", "headers": required_headers("ETag")},
    },
)
def download_artifact(
    view: View,
    artifact_id: str,
    range_header: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Download an archive, or a part of it."""
    row = find_artifact(view.connection, view.caller.organisation_id, artifact_id)
    etag = f'"{row.sha256}"'
    headers = {
        **_DOWNLOAD_HEADERS,
        "ETag": etag,
        "X-Content-SHA256": row.sha256,
        "Content-Disposition": f'attachment; filename="{row.id}"',
    }
    if _is_known(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    wanted = range_header if if_range in (None, etag) else None
    part = _part(wanted, row.size_bytes)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{row.size_bytes}"
    status, part = (200, ByteRange(0, row.size_bytes)) if part is None else (206, part)
    headers["Content-Length"] = str(part.size)
    content = view.services.artifacts.read(
        row.organisation_id, row.sha256, start=part.start, stop=part.stop
    )
    return StreamingResponse(content, status, headers=headers, media_type=_BYTES)


def find_artifact(connection: Connection, organisation_id: str, artifact_id: str) -> Row[Any]:
    """Return an artifact.

    Raises:
        NotFoundError: When the organisation has none with this id.
    """
    mine = (artifacts.c.id == artifact_id) & (artifacts.c.organisation_id == organisation_id)
    row = connection.execute(select(artifacts).where(mine)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no artifact {artifact_id!r}.", hint=_UPLOAD_HINT)
    return row


async def _receive(request: Request, file: IncomingFile, limit: int) -> None:
    waiting = bytearray()
    try:
        async for chunk in request.stream():
            waiting += chunk
            if file.size + len(waiting) > limit:
                raise _too_large(limit)
            if len(waiting) >= _WRITE_BYTES:  # a thread for each few kilobytes would cost more
                await run_in_threadpool(file.write, bytes(waiting))
                waiting.clear()
    except ClientDisconnect:
        raise UsageError("The upload broke off.", hint="Send it again.") from None
    await run_in_threadpool(file.write, bytes(waiting))


def _require_size(text: str | None, limit: int) -> None:
    if text is not None and text.isascii() and text.isdigit() and int(text[:20]) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError("The artifact is too large.", hint=f"Send up to {limit} bytes.")


def _is_known(header: str | None, etag: str) -> bool:
    tags = {each.strip().removeprefix("W/") for each in (header or "").split(",")}
    return not tags.isdisjoint({etag, "*"})


def _part(header: str | None, size: int) -> ByteRange | None:
    try:
        return parse_range(header, size=size)
    except UnsatisfiableRange:
        raise RangeError(
            "There is no such part of this artifact.", hint=f"It has {size} bytes."
        ) from None


def _keep(change: Change, *, sha256: str, size: int) -> Answer:
    organisation_id = change.caller.organisation_id
    values = {
        "id": new_id("art"),
        "organisation_id": organisation_id,
        "sha256": sha256,
        "size_bytes": size,
        "created_at": change.now,
        "created_by": change.caller.actor,
    }
    is_new = insert_if_absent(change.connection, artifacts, values)
    row = _find_by_hash(change.connection, organisation_id, sha256)
    assert row is not None
    change.audit(row.id, details={"sha256": sha256, "size_bytes": size, "is_new": is_new})
    return Answer(_document(row), status=201 if is_new else 200)


def _with_upload(answer: Answer) -> Answer:
    return Answer({"artifact": answer.document, "upload": None}, status=answer.status)


def _find_by_hash(connection: Connection, organisation_id: str, sha256: str) -> Row[Any] | None:
    mine = (artifacts.c.organisation_id == organisation_id) & (artifacts.c.sha256 == sha256)
    return connection.execute(select(artifacts).where(mine)).one_or_none()


def _document(row: Row[Any]) -> dict[str, Any]:
    return api_document(
        ArtifactInfo(
            artifact_id=row.id,
            sha256=row.sha256,
            size_bytes=row.size_bytes,
            created_at=to_datetime(row.created_at),
        )
    )
