"""What a deployment would change, and what it has done, as views."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dagy_cli.catalogue_views import tags_text
from dagy_cli.render.cells import counted, size_text
from dagy_cli.render.view import Cell, Column, Fields, Lines, Table, View

if TYPE_CHECKING:
    from dagy.deploy import Deployed, DeploymentPlan

_GREEN, _RED, _YELLOW = 32, 31, 33
_COLORS = {"added": _GREEN, "changed": _YELLOW, "removed": _RED}


def plan_view(plan: DeploymentPlan) -> View:
    """Return what a deployment would change: tasks, and where each part of it stands."""
    archive = plan.archive
    fields = Fields(
        [
            ("Artifact", Cell(f"{archive.path} ({size_text(archive.size_bytes)})")),
            ("Content hash", Cell(archive.manifest.content_hash)),
            ("Upload", Cell("needed" if plan.place is None else "not needed: it is there already")),
            ("Flow", Cell(_flow_text(plan))),
            ("Namespace", Cell(plan.namespace or "-")),
            ("Tags", Cell(tags_text(plan.tags))),
            ("Deployment", Cell(f"{plan.deployment_name} ({_standing(plan)})")),
            ("Compared with", Cell(_compared_with(plan))),
        ]
    )
    rows = [
        (Cell(change, _COLORS[change]), Cell(task_id))
        for change, task_ids in asdict(plan.task_changes).items()
        for task_id in task_ids
    ]
    blocks: list[Fields | Lines | Table] = [fields]
    if rows:
        columns = (Column("CHANGE"), Column("TASK", is_flexible=True))
        blocks += [Lines([[Cell("")]]), Table(columns, rows)]
    return View(documents=[_plan_document(plan)], is_list=False, blocks=blocks)


def change_line(plan: DeploymentPlan) -> str:
    """Return in a line what a deployment does."""
    spec, changes = plan.archive.flow_spec, plan.task_changes
    counts = [(name, len(ids)) for name, ids in asdict(changes).items() if ids]
    tasks = ", ".join(f"{counted(count, 'task')} {name}" for name, count in counts)
    return (
        f"{spec.name} (version {spec.version}) as {plan.deployment_name!r}: "
        f"{tasks or 'no task is another'}"
    )


def deployed_view(done: Deployed) -> View:
    """Return what a server has deployed."""
    fields = Fields(
        [
            ("Deployment", Cell(done.deployment_name)),
            ("Flow", Cell(f"{done.flow_name} (version {done.flow_version})")),
            ("Namespace", Cell(done.namespace or "-")),
            ("Tags", Cell(tags_text(done.tags))),
            ("Artifact", Cell(done.artifact_id or done.artifact_s3_uri or "-")),
            ("Content hash", Cell(done.content_hash)),
            ("SHA-256", Cell(done.sha256)),
        ]
    )
    return View(documents=[_document(done)], is_list=False, blocks=[fields])


def _document(done: Deployed) -> dict[str, Any]:
    return {**asdict(done), "tags": dict(done.tags)}


def _plan_document(plan: DeploymentPlan) -> dict[str, Any]:
    archive, before = plan.archive, plan.compared_with
    return {
        "deployment_name": plan.deployment_name,
        "flow_name": archive.flow_spec.name,
        "flow_version": archive.flow_spec.version,
        "namespace": plan.namespace,
        "tags": dict(plan.tags),
        "path": str(archive.path.absolute()),
        "size_bytes": archive.size_bytes,
        "sha256": archive.sha256,
        "content_hash": archive.manifest.content_hash,
        "would_change": not plan.is_done,
        "is_uploaded": plan.place is not None,
        "is_registered": plan.registered is not None,
        "compared_with": before
        and {"flow_name": before.flow_name, "flow_version": before.flow_version},
        "tasks": {name: list(ids) for name, ids in asdict(plan.task_changes).items()},
    }


def _flow_text(plan: DeploymentPlan) -> str:
    spec = plan.archive.flow_spec
    state = "new" if plan.registered is None else "registered already"
    return f"{spec.name} (version {spec.version}, {state})"


def _standing(plan: DeploymentPlan) -> str:
    now = plan.deployed
    if now is None:
        return "new"
    if plan.is_done:
        return "as it is"
    return f"now {now.flow_name}, version {now.flow_version}"


def _compared_with(plan: DeploymentPlan) -> str:
    if plan.compared_with is None:
        return "- (the server has no version of the flow)"
    return f"{plan.compared_with.flow_name} (version {plan.compared_with.flow_version})"
