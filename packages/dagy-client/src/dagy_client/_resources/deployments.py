"""Names under which flows run."""

from __future__ import annotations

from typing import TypeVar

from dagy_client import _operations as operations
from dagy_client._calls import Call, ListCall, listing, operation_call
from dagy_client._methods import Resource, many_values, one_value
from dagy_types import Deployment, DeploymentRequest

S = TypeVar("S")


class Deployments(Resource[S]):
    """Names under which flows run."""

    @many_values
    def list(
        self,
        *,
        flow_name: str | None = None,
        namespace: str | None = None,
        limit: int | None = None,
    ) -> ListCall[Deployment]:
        """Iterate over the deployments, the newest first."""
        query = {"flow_name": flow_name, "namespace": namespace}
        return listing(operations.DEPLOYMENTS_LIST, query=query, limit=limit)

    @one_value
    def get(self, name: str) -> Call[Deployment]:
        """Return one deployment.

        Raises:
            NotFoundError: When there is no such deployment.
        """
        return operation_call(operations.DEPLOYMENTS_GET, {"name": name})

    @one_value
    def create(
        self, deployment: DeploymentRequest, *, idempotency_key: str | None = None
    ) -> Call[Deployment]:
        """Make a deployment, or replace the one that has its name, and return it.

        Raises:
            NotFoundError: When there is no such version of the flow.
        """
        return operation_call(
            operations.DEPLOYMENTS_CREATE, body=deployment, idempotency_key=idempotency_key
        )
