"""What looking after the record of runs has come to, as views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagy_cli.render.cells import counted, size_text
from dagy_cli.render.view import Cell, Column, Lines, Table, View

if TYPE_CHECKING:
    from dagy_store.maintenance import Checked, Pruned, Salvaged


def backup_view(path: str, size_bytes: int) -> View:
    """Return where a copy is, and how large."""
    return View(
        documents=[{"path": path, "size_bytes": size_bytes}],
        is_list=False,
        blocks=[Lines([[Cell(f"{path} ({size_text(size_bytes)})")]])],
    )


def check_view(checked: Checked) -> View:
    """Return whether a record is sound; a row for each problem."""
    problems = [{"path": str(each.path), "problem": each.what} for each in checked.problems]
    summary = f"{counted(checked.runs, 'run')}, {size_text(checked.size_bytes)}: "
    summary += counted(len(problems), "problem") if problems else "all is well"
    rows = [(Cell(each["problem"]), Cell(each["path"])) for each in problems]
    document = {
        "sound": not problems,
        "runs": checked.runs,
        "size_bytes": checked.size_bytes,
        "problems": problems,
    }
    return View(
        documents=[document],
        is_list=False,
        blocks=[
            Table((Column("PROBLEM"), Column("PATH", is_flexible=True)), rows),
            Lines([[Cell(summary)]]),
        ],
    )


def prune_view(pruned: Pruned, *, is_dry_run: bool) -> View:
    """Return what was removed, or would be."""
    orphans = [str(path) for path in pruned.orphans]
    what = counted(len(pruned.run_ids), "run")
    if orphans:
        what += f", and {len(orphans)} that nobody has recorded"
    told = f"Would remove {what}." if is_dry_run else f"Removed {what}."
    if pruned.freed_bytes:
        told += f" The database is {size_text(pruned.freed_bytes)} smaller."
    listed = [[Cell(run_id)] for run_id in pruned.run_ids] if is_dry_run else []
    document = {
        "dry_run": is_dry_run,
        "run_ids": list(pruned.run_ids),
        "orphans": orphans,
        "freed_bytes": pruned.freed_bytes,
    }
    return View(
        documents=[document],
        is_list=False,
        blocks=[Table((Column("RUN"),), listed), Lines([[Cell(told)]])],
    )


def repair_view(path: str, salvaged: Salvaged) -> View:
    """Return what could be saved of a damaged record."""
    what = f"{counted(salvaged.runs, 'run')} with {counted(salvaged.task_runs, 'task')}"
    document = {
        "path": path,
        "runs": salvaged.runs,
        "task_runs": salvaged.task_runs,
        "lost": list(salvaged.lost),
    }
    return View(
        documents=[document], is_list=False, blocks=[Lines([[Cell(f"Saved in {path}: {what}")]])]
    )
