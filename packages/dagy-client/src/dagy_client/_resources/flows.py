"""Registered versions of flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from dagy_client import _operations as operations
from dagy_client._calls import Call, ListCall, listing, operation_call
from dagy_client._methods import Resource, many_values, one_value
from dagy_types import FlowRegistration, FlowSpec, FlowVersion

S = TypeVar("S")


class Flows(Resource[S]):
    """Registered versions of flows."""

    @many_values
    def list(
        self,
        *,
        flow_name: str | None = None,
        namespace: str | None = None,
        limit: int | None = None,
    ) -> ListCall[FlowVersion]:
        """Iterate over the versions of flows, the newest first."""
        query = {"flow_name": flow_name, "namespace": namespace}
        return listing(operations.FLOWS_LIST, query=query, limit=limit)

    @one_value
    def get(self, name: str) -> Call[FlowVersion]:
        """Return the version of a flow that was registered last.

        Raises:
            NotFoundError: When there is no such flow.
        """
        return operation_call(operations.FLOWS_GET, {"name": name})

    @one_value
    def get_version(self, name: str, version: str) -> Call[FlowVersion]:
        """Return one version of a flow.

        Raises:
            NotFoundError: When there is no such version.
        """
        return operation_call(operations.FLOWS_GET_VERSION, {"name": name, "version": version})

    @one_value
    def register(
        self,
        flow_spec: FlowSpec,
        *,
        namespace: str | None = None,
        deployment_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        artifact_id: str | None = None,
        artifact_s3_uri: str | None = None,
        idempotency_key: str | None = None,
    ) -> Call[FlowVersion]:
        """Register a version of a flow and return it.

        Args:
            deployment_name: Deploy it under this name too.
            artifact_id: The uploaded archive that holds its code.
            artifact_s3_uri: Where that archive is, for servers that read it from a bucket.

        Raises:
            ConflictError: When there is such a version, with another graph or archive.
        """
        body = FlowRegistration(
            flow_spec=flow_spec,
            namespace=namespace,
            deployment_name=deployment_name,
            tags=tags or {},
            artifact_id=artifact_id,
            artifact_s3_uri=artifact_s3_uri,
        )
        return operation_call(operations.FLOWS_REGISTER, body=body, idempotency_key=idempotency_key)
