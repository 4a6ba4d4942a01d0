"""The rows of runs: found by id, listed by filters, and turned into documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.engine import Row

from dagy_server.clock import from_datetime, to_datetime, to_optional_datetime
from dagy_server.database.inserts import insert_if_absent
from dagy_server.database.schema import ID_BEGINNING_CHARACTERS, flow_specs, flows, runs
from dagy_server.flow_graph import FlowGraph, graph_of
from dagy_server.listing import Listing
from dagy_types import (
    FailureReason,
    FlowSpec,
    Run,
    RunQuery,
    RunStatus,
    flow_spec_to_json,
    no_place_after,
    run_document,
)
from dagy_types.errors import NotFoundError

UNDER_WAY: Sequence[str] = tuple(each.value for each in RunStatus if not each.is_terminal)
"""The statuses of runs that have not ended."""

# Whole statements, as many requests execute one: put together anew, each would be analysed anew.
_FIND = select(runs).where(
    runs.c.id == bindparam("run_id"), runs.c.organisation_id == bindparam("organisation")
)
_FIND_FOR_UPDATE = _FIND.with_for_update()


def run_listing(
    organisation_id: str, query: RunQuery = RunQuery(), *, deployment_name: str | None = None
) -> Listing:
    """Return the runs that fit; each combination of filters has an index in the usual order.

    Where it goes on after, is not looked at.
    """
    statement = select(runs).where(runs.c.organisation_id == organisation_id)
    if query.status is not None:
        statement = statement.where(runs.c.status == query.status.value)
    if query.flow_name is not None:
        statement = statement.where(runs.c.flow_name == query.flow_name)
    if deployment_name is not None:
        statement = statement.where(runs.c.deployment_name == deployment_name)
    if query.since is not None:
        statement = statement.where(runs.c.created_at >= from_datetime(query.since))
    if query.id_prefix:
        statement = statement.where(
            runs.c.id_beginning == query.id_prefix[:ID_BEGINNING_CHARACTERS],
            func.substr(runs.c.id, 1, len(query.id_prefix)) == query.id_prefix,
        )
    time = runs.c[query.order.field]
    if time.nullable:
        statement = statement.where(time.is_not(None))
    return Listing(statement, (time, runs.c.id), query.order.is_descending)


def place_of(connection: Connection, organisation_id: str, query: RunQuery) -> Sequence[Any] | None:
    """Return the keys in its list of the run that a query goes on after, if it goes on after one.

    Raises:
        NotFoundError: When the list cannot have it.
    """
    if query.after is None:
        return None
    statement = select(runs.c[query.order.field], runs.c.id).where(
        runs.c.id == query.after, runs.c.organisation_id == organisation_id
    )
    place = connection.execute(statement).one_or_none()
    if place is None or place[0] is None:
        raise no_place_after(query.after)
    return tuple(place)


def find_run(
    connection: Connection, organisation_id: str, run_id: str, *, for_update: bool = False
) -> Row[Any]:
    """Return a run.

    Args:
        for_update: Whether nobody else may change it until the end of the transaction.

    Raises:
        NotFoundError: When the organisation has none with this id.
    """
    statement = _FIND_FOR_UPDATE if for_update else _FIND
    values = {"run_id": run_id, "organisation": organisation_id}
    row = connection.execute(statement, values).one_or_none()
    if row is None:
        raise no_such_run(run_id)
    return row


def no_such_run(run_id: str) -> NotFoundError:
    """Return the error for a run that an organisation does not have."""
    return NotFoundError(f"There is no run {run_id!r}.", hint="GET /runs lists them.")


def graph_of_run(connection: Connection, run: Row[Any]) -> FlowGraph:
    """Return the graph of a run: its own or, until that is known, that of its flow."""
    if run.spec_hash is not None:
        statement = select(flow_specs.c.spec).where(
            flow_specs.c.organisation_id == run.organisation_id,
            flow_specs.c.content_hash == run.spec_hash,
        )
    else:
        statement = select(flows.c.spec).where(
            flows.c.organisation_id == run.organisation_id,
            flows.c.name == run.flow_name,
            flows.c.version == run.flow_version,
        )
    return graph_of(connection.execute(statement).scalar_one())


def keep_graph(connection: Connection, organisation_id: str, spec: FlowSpec) -> FlowGraph:
    """Keep a graph that runs of an organisation have, and return it; it is found by its hash."""
    text = flow_spec_to_json(spec)
    values = {
        "organisation_id": organisation_id,
        "content_hash": spec.content_hash,
        "spec": text,
    }
    insert_if_absent(connection, flow_specs, values)
    return graph_of(text)


def to_document(row: Row[Any]) -> dict[str, Any]:
    """Return the document of a run."""
    return run_document(
        Run(
            run_id=row.id,
            flow_name=row.flow_name,
            flow_version=row.flow_version,
            status=RunStatus.of(row.status),
            reason=FailureReason.of(row.reason) if row.reason else None,
            error=row.error,
            created_at=to_datetime(row.created_at),
            started_at=to_optional_datetime(row.started_at),
            ended_at=to_optional_datetime(row.ended_at),
            parameters=row.parameters,
            source=row.source,
            resumed_from=row.resumed_from,
            environment=row.environment,
        )
    )
