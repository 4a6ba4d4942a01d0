"""`dagy runs show`: a run and its tasks, as a table or on a time axis."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render import surface_of
from dagy_cli.render.view import Cell, Lines, Table, View
from dagy_cli.run_places import add_run_argument, place_of_run
from dagy_cli.run_views import hidden_line, run_fields, run_with_tasks_document, tasks_table
from dagy_cli.task_groups import groups_of
from dagy_cli.text_file import write_text_file
from dagy_types import Run, TaskRun

if TYPE_CHECKING:
    from dagy_cli.timelines.bars import Timeline


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs show`."""
    parser.description = "Show a run, of this machine or a server, and its tasks."
    add = parser.add_argument
    add_run_argument(parser)
    add(
        "--children",
        action="store_true",
        help="list every child of a mapped task, not only the first that failed",
    )
    add("--gantt", action="store_true", help="show when each task ran, on a time axis")
    add("--svg", metavar="FILE", help="write the time axis as a picture, too")
    add_format_option(parser, has_names=True)
    parser.add_examples(
        "dagy runs show RUN",
        "dagy runs show RUN --children",
        "dagy runs show RUN --gantt",
        "dagy runs show RUN --svg run.svg",
        "dagy runs show RUN --format yaml",
    )
    parser.set_defaults(handler=show_run)


def show_run(args: Namespace, app: App) -> Answer:
    """Return one run with its tasks."""
    place, run = place_of_run(args, app)
    task_runs = place.reader.list_task_runs(run.run_id)
    now = datetime.now(timezone.utc)

    def timeline() -> Timeline:
        from dagy_cli.timelines.bars import timeline_of

        return timeline_of(run, task_runs, now=now, lists_children=args.children)

    notes = []
    if args.svg is not None:
        from dagy_cli.timelines.svg import timeline_svg

        write_text_file(args.svg, timeline_svg(run, timeline()), option="--svg")
        notes.append(f"The timeline is in {args.svg}")
    tasks = [_gantt(timeline(), app)] if args.gantt else _tasks(run, task_runs, args.children)
    return Answer(
        View(
            documents=[run_with_tasks_document(run, task_runs)],
            is_list=False,
            blocks=[run_fields(run), Lines([[Cell("")]]), *tasks],
            name_field="run_id",
        ),
        notes=tuple(notes),
    )


def _tasks(run: Run, task_runs: Sequence[TaskRun], lists_children: bool) -> list[Table | Lines]:
    groups = groups_of(task_runs)
    table = tasks_table(groups, lists_children=lists_children)
    hidden = None if lists_children else hidden_line(run, groups, groups)
    return [table] if hidden is None else [table, Lines([[Cell(hidden)]])]


def _gantt(timeline: Timeline, app: App) -> Lines:
    from dagy_cli.timelines.text import timeline_lines

    surface = surface_of(app.console, app.console.stdout)
    # A picture has a width in a pipe, too.
    return Lines(timeline_lines(timeline, width=app.console.columns, surface=surface))
