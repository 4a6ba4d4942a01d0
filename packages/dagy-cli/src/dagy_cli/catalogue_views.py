"""What a server has registered and deployed, as views."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagy_cli.render.cells import time_cell
from dagy_cli.render.view import Cell, Column, Fields, Lines, Table, View
from dagy_types import api_document

if TYPE_CHECKING:
    from dagy_types import Deployment, FlowSpec, FlowVersion


def flows_view(versions: Sequence[FlowVersion]) -> View:
    """Return a row for each version; their graphs are in none."""
    titles = ("FLOW", "VERSION", "NAMESPACE", "TAGS", "REGISTERED")
    rows = [
        (
            Cell(version.flow_name),
            Cell(version.flow_version),
            Cell(version.namespace or "-"),
            Cell(tags_text(version.tags)),
            time_cell(version.created_at),
        )
        for version in versions
    ]
    documents = [_without_graph(api_document(version)) for version in versions]
    blocks = [_table(titles, rows)]
    return View(documents=documents, is_list=True, blocks=blocks, name_field="flow_name")


def flow_view(version: FlowVersion) -> View:
    """Return a version with its tasks."""
    fields = Fields(
        [
            ("Flow", Cell(f"{version.flow_name} (version {version.flow_version})")),
            ("Namespace", Cell(version.namespace or "-")),
            ("Tags", Cell(tags_text(version.tags))),
            ("Status", Cell(str(version.status))),
            ("Artifact", Cell(version.artifact_id or version.artifact_s3_uri or "-")),
            ("Registered", time_cell(version.created_at)),
        ]
    )
    blocks: list[Fields | Lines | Table] = [fields]
    if version.flow_spec is not None:
        blocks += [Lines([[Cell("")]]), _tasks_table(version.flow_spec)]
    return View(documents=[api_document(version)], is_list=False, blocks=blocks)


def deployments_view(deployments: Sequence[Deployment]) -> View:
    """Return a row for each deployment."""
    titles = ("DEPLOYMENT", "FLOW", "VERSION", "NAMESPACE", "TAGS", "UPDATED")
    rows = [
        (
            Cell(deployment.deployment_name),
            Cell(deployment.flow_name),
            Cell(deployment.flow_version),
            Cell(deployment.namespace or "-"),
            Cell(tags_text(deployment.tags)),
            time_cell(deployment.updated_at),
        )
        for deployment in deployments
    ]
    documents = [api_document(deployment) for deployment in deployments]
    blocks = [_table(titles, rows)]
    return View(documents=documents, is_list=True, blocks=blocks, name_field="deployment_name")


def deployment_view(deployment: Deployment) -> View:
    """Return what runs under a name."""
    pairs = [
        ("Deployment", Cell(deployment.deployment_name)),
        ("Flow", Cell(f"{deployment.flow_name} (version {deployment.flow_version})")),
        ("Namespace", Cell(deployment.namespace or "-")),
        ("Tags", Cell(tags_text(deployment.tags))),
        ("Parameters", Cell(json.dumps(dict(deployment.parameters), ensure_ascii=False))),
        ("Artifact", Cell(deployment.artifact_id or "-")),
        ("Created", time_cell(deployment.created_at)),
        ("Updated", time_cell(deployment.updated_at)),
    ]
    if deployment.schedule is not None:
        pairs.insert(4, ("Schedule", Cell(f"{deployment.schedule} {deployment.timezone or ''}")))
    return View(documents=[api_document(deployment)], is_list=False, blocks=[Fields(pairs)])


def tags_text(tags: Mapping[str, str]) -> str:
    """Return tags as they are typed, in the order of their names."""
    return " ".join(f"{key}={value}" for key, value in sorted(tags.items())) or "-"


def _tasks_table(spec: FlowSpec) -> Table:
    rows = [
        (Cell(task.task_id), Cell("yes" if task.is_mapped else "-"), Cell(_needs(task.depends_on)))
        for task in spec.tasks
    ]
    columns = (Column("TASK"), Column("MAPPED"), Column("DEPENDS ON", is_flexible=True))
    return Table(columns, rows)


def _needs(task_ids: Sequence[str]) -> str:
    return ", ".join(task_ids) or "-"


def _table(titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    flexible = ("FLOW", "NAMESPACE", "TAGS")
    return Table(tuple(Column(title, is_flexible=title in flexible) for title in titles), rows)


def _without_graph(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "flow_spec"}
