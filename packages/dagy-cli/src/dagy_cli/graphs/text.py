"""For a terminal: the tasks layer by layer, one on a line, each with what it depends on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagy_cli.escaping import visible
from dagy_cli.graphs.layers import label_lines, layers_of
from dagy_cli.render.cells import counted, shortened
from dagy_cli.render.view import Surface
from dagy_types import FlowSpec, TaskSpec

_WIDEST_LABEL = 48


def draw(spec: FlowSpec, surface: Surface) -> str:
    """Return the listing; in a pipe, which has no width, nothing of it is left out."""
    return "".join(f"{line}\n" for line in _lines(spec, surface))


def _lines(spec: FlowSpec, surface: Surface) -> Iterator[str]:
    layers = layers_of(spec)
    size = f"{counted(len(spec.tasks), 'task')} in {counted(len(layers), 'layer')}"
    yield f"{visible(spec.name)} (version {visible(spec.version)}): {size}"
    widest = max((len(_label(task, surface)) for task in spec.tasks), default=0)
    for number, tasks in enumerate(layers, start=1):
        yield ""
        yield f"Layer {number} ({counted(len(tasks), 'task')})"
        for task in tasks:
            yield _task_line(task, min(widest, _WIDEST_LABEL), surface)


def _task_line(task: TaskSpec, width: int, surface: Surface) -> str:
    label = f"  {_label(task, surface)}"
    if not task.depends_on:
        return label if surface.width is None else shortened(label, surface.width, surface)
    start = f"{label:<{width + 2}}  {'←' if surface.is_unicode else '<-'} "
    if surface.width is None:
        return start + ", ".join(task.depends_on)
    return shortened(
        start + _fitting(task.depends_on, surface.width - len(start)), surface.width, surface
    )


def _fitting(task_ids: Sequence[str], width: int) -> str:
    """Return as many of the ids as fit, at least one, and how many more there are."""
    text = ", ".join(task_ids)
    shown = len(task_ids)
    while len(text) > width and shown > 1:
        # From the longest text that could fit; one pass over thousands of ids is enough.
        shown = min(shown - 1, max(width // 3, 1))
        text = f"{', '.join(task_ids[:shown])} and {len(task_ids) - shown} more"
    return text


def _label(task: TaskSpec, surface: Surface) -> str:
    task_id, *name = label_lines(task, is_unicode=surface.is_unicode)
    return visible(f"{task_id} ({name[0]})" if name else task_id)
