"""Archives to the server and back: in pieces, with a hash, from where it was cut."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dagy_client import _files
from dagy_client._answers import RawResponse, raw_response, record_in, unfit
from dagy_client._exchange import Answer, ApiRequest, Exchange
from dagy_client._files import OnProgress
from dagy_client._operation import BYTES, Operation
from dagy_client._steps import Chunks, Finish, Plan, Trouble, WireError, read, work
from dagy_client.errors import ApiChecksumError, ApiUsageError
from dagy_types import ArtifactInfo

_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PARTIAL = 206
_NO_SUCH_RANGE = 416


@dataclass(frozen=True, slots=True)
class Upload:
    """Sends a file; it is read twice, first for its hash, and never as a whole."""

    operation: Operation[ArtifactInfo]
    path: Path
    on_progress: OnProgress | None = None
    idempotency_key: str | None = None

    def plan(self, exchange: Exchange) -> Plan[RawResponse[ArtifactInfo]]:
        """Return how it is done."""
        size, sha256 = yield from work(partial(_files.size_and_hash, self.path))
        request = self.operation.request(
            body=Chunks(partial(_files.pieces, self.path, size, self.on_progress)),
            idempotency_key=self.idempotency_key,
            headers={"Content-Length": str(size), "X-Content-SHA256": sha256},
        )
        answer = yield from exchange.send(request)
        kept = record_in(answer, self.operation.answer)
        if kept.sha256.lower() != sha256:
            raise _changed(answer, f"The server has not kept {self.path} as it was sent.")
        return raw_response(answer, kept)


@dataclass(frozen=True, slots=True)
class _Body:
    """The body of an answer, and where in the archive it belongs."""

    start: int
    total: int
    sha256: str


@dataclass(slots=True)
class _Course:
    """How a download goes on.

    Attributes:
        sha256: Of the whole, once the server has said it.
        failures: How often in a row a connection brought nothing.
        is_fresh: Whether the part has come in this call only.
    """

    began: float
    sha256: str = ""
    failures: int = 0
    is_fresh: bool = True


@dataclass(frozen=True, slots=True)
class Download:
    """Gets an archive; under its name it appears whole, verified, or not at all."""

    operation: Operation[bytes]
    artifact_id: str
    path: Path
    on_progress: OnProgress | None = None

    def plan(self, exchange: Exchange) -> Plan[RawResponse[Path]]:
        """Return how it is done."""
        part = _files.part_of(self.path, self.artifact_id)
        course = _Course(began=exchange.new_trail(self._request(0, "")).started)
        have = yield from work(partial(_files.size_of, part))
        course.is_fresh = have == 0
        while True:
            answer = yield from self._opened(exchange, part, have, course)
            body = _body_of(answer, have)
            course.sha256 = body.sha256
            trouble = yield from self._written(exchange, answer, part, body, course)
            yield Finish(answer.response)
            if trouble is None:
                if (yield from self._published(answer, part, body, course)):
                    return raw_response(answer, self.path)
                have = 0
                continue
            have = yield from work(partial(_files.size_of, part))
            course.failures = 1 if have > body.start else course.failures + 1
            if course.failures >= exchange.policy.max_attempts:
                raise exchange.connection_error(answer.trail, trouble)
            yield from exchange.pause(course.failures)

    def _opened(self, exchange: Exchange, part: Path, have: int, course: _Course) -> Plan[Answer]:
        try:
            return (yield from exchange.send(self._request(have, course.sha256)))
        except ApiUsageError as error:
            if error.status != _NO_SUCH_RANGE or not have:
                raise
        # There is nothing after what is here: it is too much, or all of it. The server knows.
        yield from work(partial(_files.discard, part))
        return (yield from exchange.send(self._request(0, "")))

    def _written(
        self, exchange: Exchange, answer: Answer, part: Path, body: _Body, course: _Course
    ) -> Plan[WireError | None]:
        """Write what comes; return why it is not all of it."""
        done = body.start
        file = yield from work(partial(_files.open_at, part, body.start))
        with file:
            try:
                while chunk := (yield from read(answer.response)):
                    exchange.require_in_time(answer.trail, since=course.began)
                    yield from work(partial(_files.write, file, part, chunk))
                    done += len(chunk)
                    if self.on_progress is not None:
                        self.on_progress(done, body.total)
            except WireError as trouble:
                return trouble
            yield from work(partial(_files.sync, file, part))
        return None if done >= body.total else WireError(Trouble.BROKEN_OFF)

    def _published(self, answer: Answer, part: Path, body: _Body, course: _Course) -> Plan[bool]:
        """Verify the whole and give it its name; or else begin again, if there is a reason to."""
        found = yield from work(partial(_files.size_and_hash, part))
        if found == (body.total, body.sha256):
            yield from work(partial(_files.publish, part, self.path))
            return True
        yield from work(partial(_files.discard, part))
        if course.is_fresh:
            raise _changed(answer, f"Artifact {self.artifact_id!r} has changed on its way here.")
        course.is_fresh = True  # the beginning was another call's, and not of this archive
        return False

    def _request(self, have: int, sha256: str) -> ApiRequest:
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            headers |= {"If-Range": f'"{sha256}"'} if sha256 else {}
        return self.operation.request(
            {"artifact_id": self.artifact_id}, accept=BYTES, headers=headers
        )


def _body_of(answer: Answer, have: int) -> _Body:
    headers = answer.response.headers
    sha256 = headers.get("x-content-sha256", "").lower()
    if not _SHA256.fullmatch(sha256):
        raise unfit(answer.trail, answer.response, "it does not say the SHA-256 of the archive")
    if answer.response.status != _PARTIAL:
        length = headers.get("content-length", "")
        if not length.isdigit():
            raise unfit(answer.trail, answer.response, "it does not say the size of the archive")
        return _Body(0, int(length), sha256)
    found = _RANGE.fullmatch(headers.get("content-range", ""))
    if found is None or int(found[1]) != have:
        raise unfit(answer.trail, answer.response, "it is not the part that was asked for")
    return _Body(have, int(found[2]), sha256)


def _changed(answer: Answer, what: str) -> ApiChecksumError:
    return answer.trail.error(
        ApiChecksumError,
        what,
        hint="Try again; report it if that changes nothing.",
        response=answer.response,
    )
