"""The whole API: all resources, and the calls that belong to none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from dagy_client import _operations as operations
from dagy_client._calls import AnyCall, Call, operation_call
from dagy_client._codec import encode
from dagy_client._exchange import ApiRequest
from dagy_client._methods import Resource, one_value
from dagy_client._operation import JSON, checked_key, content_headers, query_text
from dagy_client._resources.access import ApiKeys, Users
from dagy_client._resources.artifacts import Artifacts
from dagy_client._resources.deployments import Deployments
from dagy_client._resources.flows import Flows
from dagy_client._resources.runs import Runs, TaskRuns
from dagy_types import AccessToken, Account, Health, LoginRequest
from dagy_types.errors import UsageError

S = TypeVar("S")

_METHOD = re.compile(r"[A-Z]{3,10}")
_PATH = re.compile(r"/[!-~]*", re.ASCII)
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


class Api(Resource[S], Generic[S]):
    """What a server can be asked for.

    Attributes:
        runs: Runs of flows.
        task_runs: The tasks of runs.
        flows: Registered versions of flows.
        deployments: Names under which flows run.
        artifacts: Archives that hold the code of flows.
        api_keys: Keys for programs.
        users: People.
    """

    def __init__(self, sender: S) -> None:
        super().__init__(sender)
        self.runs = Runs(sender)
        self.task_runs = TaskRuns(sender)
        self.flows = Flows(sender)
        self.deployments = Deployments(sender)
        self.artifacts = Artifacts(sender)
        self.api_keys = ApiKeys(sender)
        self.users = Users(sender)

    @one_value
    def me(self) -> Call[Account]:
        """Return who the token belongs to."""
        return operation_call(operations.ME)

    @one_value
    def login(self, email: str, password: str) -> Call[AccessToken]:
        """Return a token for somebody; the client itself goes on with the one it has.

        Raises:
            AuthError: When the server does not know the address, or the password is another one.
        """
        request = LoginRequest(email=email, password=password)
        return operation_call(operations.LOGIN, body=request)

    @one_value
    def logout(self) -> Call[None]:
        """End the token that the client has: the server takes it no more."""
        return operation_call(operations.LOGOUT)

    @one_value
    def health(self) -> Call[Health]:
        """Return how the server is; that needs no token."""
        return operation_call(operations.HEALTH)

    @one_value
    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,  # Any: whatever str() makes the right text of
        json: Any = None,  # Any: JSON
        idempotency_key: str | None = None,
    ) -> Call[Any]:  # Any: JSON
        """Ask for anything, with the token, the retries and the errors of every other call.

        Returns the JSON of the answer; bytes when it is something else, ``None`` when it is empty.

        Args:
            path: Below the base URL; with a slash first, and without a query.
            idempotency_key: With one a POST is tried again too; the server must know what it is.
        """
        if not _METHOD.fullmatch(method):
            raise UsageError(f"{method!r} is no HTTP method.", hint="Give GET, POST, …")
        _require_path(path)
        headers = {"Accept": JSON, **content_headers(json)}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = checked_key(idempotency_key)
        return AnyCall(
            ApiRequest(
                method=method,
                template=path,
                path=path + query_text(query or {}),
                headers=headers,
                content=None if json is None else encode(json),
                is_repeatable=method in _IDEMPOTENT or idempotency_key is not None,
            )
        )


def _require_path(path: str) -> None:
    segments = path.split("/")
    is_fine = _PATH.fullmatch(path) and not path.startswith("//")
    if not is_fine or {"?", "#", "\\"} & set(path) or {".", ".."} & set(segments):
        raise UsageError(
            "This is no path of the API.",
            hint="Begin with one slash, percent-encode what is not ASCII, and use query=.",
        )
