"""What a worker is told at its start, on its standard input: nothing of it is in its arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagy_server.execution.places import Places, RunPlaces

if TYPE_CHECKING:  # a worker needs neither the database nor the web framework
    from dagy_server.execution.queue import Claim
    from dagy_server.settings import Settings

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not listened on here


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrder:
    """A run to carry out.

    Attributes:
        url: Of the server.
        token: What the worker is known by there, as long as the run is its.
        number: Of how many workers of the run it is, from 1.
        line: The run, the one that it retries, the one that this retries, and so on.
        root: The directory of all that is executed.
    """

    url: str
    token: str = field(repr=False)
    run_id: str
    number: int
    line: tuple[str, ...]
    artifact_id: str
    sha256: str
    parameters: Mapping[str, Any]
    root: str
    lease_seconds: int
    max_artifact_bytes: int

    @property
    def places(self) -> RunPlaces:
        """Where the things of the run are."""
        return Places(Path(self.root)).of_run(self.line[-1])

    @property
    def record(self) -> str:
        """The directory of the record."""
        return str(self.places.record)

    @property
    def environments(self) -> Path:
        """Where the environments are."""
        return Places(Path(self.root)).environments

    @property
    def log(self) -> Path:
        """Where the worker says by what it was surprised."""
        return Places(Path(self.root)).log_of(self.run_id)

    def to_json(self) -> bytes:
        """Return the text that a worker reads."""
        return json.dumps(asdict(self)).encode()


def order_for(claim: Claim, line: Sequence[str], *, settings: Settings, root: Path) -> WorkOrder:
    """Return what the worker has to do that has claimed a run."""
    return WorkOrder(
        url=server_url(settings),
        token=claim.token,
        run_id=claim.run_id,
        number=claim.number,
        line=tuple(line),
        artifact_id=claim.artifact_id,
        sha256=claim.sha256,
        parameters=claim.parameters,
        root=str(root.resolve()),
        lease_seconds=settings.lease_seconds,
        max_artifact_bytes=settings.max_artifact_bytes,
    )


def server_url(settings: Settings) -> str:
    """Return where workers find the server."""
    host = _WILDCARDS.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def order_from_json(text: bytes) -> WorkOrder:
    """Read what `WorkOrder.to_json` wrote."""
    document = json.loads(text)
    return WorkOrder(**{**document, "line": tuple(document["line"])})
