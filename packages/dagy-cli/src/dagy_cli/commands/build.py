"""`dagy build`: pack a flow and what it needs into an archive."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagy_cli.app import Answer, App
from dagy_cli.parameters import add_flow_arguments, flow_with_parameters
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.redirect import stdout_to_stderr
from dagy_cli.render.cells import counted, size_text
from dagy_cli.render.view import Cell, Column, Fields, Table, View

if TYPE_CHECKING:
    from dagy.building import ArtifactPlan, SourceFile, WrittenArtifact


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy build`."""
    parser.description = (
        "Pack a flow into an archive: the Python files below its directory, the requirements\n"
        "beside it, its graph, and a manifest with the SHA-256 of each. Runs no task. The same\n"
        "files give the same bytes. Secrets and junk stay out."
    )
    add_flow_arguments(parser)
    add = parser.add_argument
    add("-o", "--output", metavar="FILE", help="where to write it (builds/ of the local directory)")
    add(
        "--include",
        metavar="GLOB",
        action="append",
        default=[],
        help="pack these, too: a path or pattern from the flow's directory on; may be repeated",
    )
    add(
        "--allow-secret",
        metavar="FILE",
        action="append",
        default=[],
        dest="allow_secrets",
        help="pack this file though it seems to hold a secret; may be repeated",
    )
    add("--dry-run", action="store_true", help="list what would be packed, and write nothing")
    add_format_option(parser)
    parser.add_examples(
        "dagy build etl.py:daily",
        "dagy build etl.py:daily --dry-run",
        "dagy build etl.py:daily --include 'sql/**/*.sql' --include logo.png -o daily.zip",
        "dagy build etl.py:daily --param day=2026-11-01 --format json",
        "dagy build etl.py:daily --allow-secret tests/fake_key.py",
    )
    parser.set_defaults(handler=build)


def build(args: Namespace, app: App) -> Answer:
    """Write the archive, or return what it would hold."""
    # Imported here: other commands have no need of it. Not later: once the flow is imported, what
    # stands beside it can take the place of other modules.
    from dagy.building import default_output, plan_artifact, write_artifact

    with stdout_to_stderr():
        flow, parameters = flow_with_parameters(args)
        plan = plan_artifact(
            flow,
            target=args.target,
            parameters=parameters,
            include=args.include,
            allow_secrets=args.allow_secrets,
            output=args.output,
            environ=app.environ,
        )
    notes = _left_out_notes(plan)
    if args.dry_run:
        place = args.output or default_output(plan, app.environ)
        total = size_text(sum(each.size_bytes for each in plan.files))
        files = counted(len(plan.files), "file")
        last = f"{files}, {total}. Nothing is written; without --dry-run it would be {place}"
        return Answer(_list_view(plan.files), notes=(*notes, last))
    written = write_artifact(plan, args.output, environ=app.environ)
    return Answer(_artifact_view(plan, written), notes=notes)


def _list_view(files: Sequence[SourceFile]) -> View:
    rows = [(Cell(each.path), Cell(size_text(each.size_bytes))) for each in files]
    return View(
        documents=[_file_document(each) for each in files],
        is_list=True,
        blocks=[Table((Column("FILE", is_flexible=True), Column("SIZE")), rows)],
    )


def _artifact_view(plan: ArtifactPlan, written: WrittenArtifact) -> View:
    spec, manifest = plan.flow_spec, plan.manifest
    requirements = [each.removeprefix("src/") for each in manifest.requirements]
    document = {
        "path": str(written.path.absolute()),
        "flow_name": spec.name,
        "flow_version": spec.version,
        "size_bytes": written.size_bytes,
        "sha256": written.sha256,
        "content_hash": manifest.content_hash,
        "python": manifest.python,
        "requirements": requirements,
        "files": [_file_document(each) for each in plan.files],
    }
    fields = Fields(
        [
            ("Artifact", Cell(str(written.path))),
            ("Flow", Cell(f"{spec.name} (version {spec.version})")),
            ("Files", Cell(str(len(plan.files)))),
            ("Size", Cell(size_text(written.size_bytes))),
            ("Requirements", Cell(", ".join(requirements) or "-")),
            ("Content hash", Cell(manifest.content_hash)),
            ("SHA-256", Cell(written.sha256)),
        ]
    )
    return View(documents=[document], is_list=False, blocks=[fields])


def _file_document(file: SourceFile) -> dict[str, object]:
    return {"path": file.path, "size_bytes": file.size_bytes, "sha256": file.sha256}


def _left_out_notes(plan: ArtifactPlan) -> tuple[str, ...]:
    return tuple(f"Left out: {each.path} ({each.reason})" for each in plan.left_out)
