"""What the fake server keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dagy_client.testing._messages import SeenRequest
from dagy_client.testing._shelf import Shelf
from dagy_types import ApiKey, Deployment, FlowSpec, FlowVersion, LogRecord, Run, TaskRun

Handler = Callable[["State", SeenRequest], Any]
"""Does what an operation asks for; gives a record, a page of records, a reply, or nothing."""


@dataclass(slots=True, kw_only=True)
class State:
    """Everything, by the names that the API has for it."""

    now: Callable[[], datetime]
    email: str
    password: str = field(repr=False)
    runs: Shelf[Run] = field(default_factory=lambda: Shelf("run"))
    flow_specs: dict[str, FlowSpec] = field(default_factory=dict)
    tasks: dict[str, Sequence[TaskRun]] = field(default_factory=dict)
    logs: dict[str, list[LogRecord]] = field(default_factory=dict)
    flows: Shelf[FlowVersion] = field(default_factory=lambda: Shelf("flow"))
    deployments: Shelf[Deployment] = field(default_factory=lambda: Shelf("deployment"))
    artifacts: Shelf[bytes] = field(default_factory=lambda: Shelf("artifact"))
    artifact_ids: dict[str, str] = field(default_factory=dict)
    api_keys: Shelf[ApiKey] = field(default_factory=lambda: Shelf("key"))
    tokens: set[str] = field(default_factory=set, repr=False)
    key_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    made: int = 0

    def new_id(self, prefix: str) -> str:
        """Return an id that is the same in each run of a test."""
        self.made += 1
        return f"{prefix}_{self.made}"
