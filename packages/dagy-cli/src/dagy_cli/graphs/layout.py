"""Where the boxes and the edges of a graph go, from left to right, a column for each layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from dagy_cli.graphs.layers import label_lines, layers_of
from dagy_cli.render.cells import shortened
from dagy_cli.render.view import Surface
from dagy_cli.svg import text_width
from dagy_types import FlowSpec, TaskSpec

_MARGIN = 20
_COLUMN_GAP = 64
_ROW_GAP = 12
_LINE_HEIGHT = 18
_BOX_PADDING = 10
_WAYPOINT_HEIGHT = 6
_LONGEST_LINE = 48
_SWEEPS = 3

_Slot = tuple[int, str]
"""A layer and a task: the task's box in its own layer, the way of its edges in layers behind it."""


@dataclass(frozen=True, slots=True)
class Box:
    """A task; coordinates are those of the upper left corner, in pixels."""

    task: TaskSpec
    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Edge:
    """A piece of an edge, from one column to the next, or straight through a column.

    Attributes:
        is_end: Whether it ends at a task.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    is_end: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture of a graph, its size in pixels."""

    width: float
    height: float
    boxes: Sequence[Box]
    edges: Sequence[Edge]


@dataclass(frozen=True, slots=True)
class _Place:
    left: float
    right: float
    middle: float


def layout_of(spec: FlowSpec, *, top: float) -> Layout:
    """Place the graph of a flow below a margin of this height."""
    layers = layers_of(spec)
    columns, links = _slots_and_links(layers)
    columns = _with_fewer_crossings(columns, links)
    lines = {task.task_id: _short_lines(task) for task in spec.tasks}
    tasks = {(number, task.task_id): task for number, each in enumerate(layers) for task in each}
    heights = {
        slot: len(lines[slot[1]]) * _LINE_HEIGHT + _BOX_PADDING
        if slot in tasks
        else _WAYPOINT_HEIGHT
        for column in columns
        for slot in column
    }
    places, width, height = _places(columns, heights, _column_widths(layers, lines), top)
    boxes = [
        Box(
            task,
            lines[task.task_id],
            places[slot].left,
            places[slot].middle - heights[slot] / 2,
            places[slot].right - places[slot].left,
            heights[slot],
        )
        for slot, task in tasks.items()
    ]
    return Layout(width, height, boxes, list(_edges(places, links, tasks)))


def _short_lines(task: TaskSpec) -> tuple[str, ...]:
    return tuple(shortened(line, _LONGEST_LINE, Surface()) for line in label_lines(task))


def _slots_and_links(
    layers: Sequence[Sequence[TaskSpec]],
) -> tuple[list[list[_Slot]], list[tuple[_Slot, _Slot]]]:
    """Return the slots of each layer and the links between neighbouring layers.

    All edges of a task share one way through the layers that they only pass.
    """
    columns = [[(number, task.task_id) for task in tasks] for number, tasks in enumerate(layers)]
    last_layer = {slot[1]: slot[0] for column in columns for slot in column}
    links: list[tuple[_Slot, _Slot]] = []
    for number, tasks in enumerate(layers):
        for task in tasks:
            for upstream in task.depends_on:
                for passed in range(last_layer[upstream] + 1, number):
                    columns[passed].append((passed, upstream))
                    links.append(((passed - 1, upstream), (passed, upstream)))
                    last_layer[upstream] = passed
                links.append(((number - 1, upstream), (number, task.task_id)))
    return columns, links


def _with_fewer_crossings(
    columns: Sequence[Sequence[_Slot]], links: Iterable[tuple[_Slot, _Slot]]
) -> list[list[_Slot]]:
    """Order each column by where its neighbours are, to and fro (the barycentre heuristic)."""
    before: dict[_Slot, list[_Slot]] = {slot: [] for column in columns for slot in column}
    after: dict[_Slot, list[_Slot]] = {slot: [] for slot in before}
    for source, target in links:
        after[source].append(target)
        before[target].append(source)
    ordered = [list(column) for column in columns]
    for sweep in range(_SWEEPS):
        is_forward = sweep % 2 == 0
        _sweep(ordered if is_forward else ordered[::-1], before if is_forward else after)
    return ordered


def _sweep(columns: Sequence[list[_Slot]], neighbours: Mapping[_Slot, Sequence[_Slot]]) -> None:
    height: dict[_Slot, float] = {}
    for column in columns:
        wanted = _heights(column)
        for slot in column:
            if neighbours[slot]:
                wanted[slot] = fmean(height[each] for each in neighbours[slot])
        column.sort(key=wanted.__getitem__)
        height |= _heights(column)


def _heights(column: Sequence[_Slot]) -> dict[_Slot, float]:
    """Return how far each slot is from the middle of its column, in slots."""
    return {slot: index - (len(column) - 1) / 2 for index, slot in enumerate(column)}


def _column_widths(
    layers: Sequence[Sequence[TaskSpec]], lines: Mapping[str, Sequence[str]]
) -> list[float]:
    return [
        max(text_width(line) for task in tasks for line in lines[task.task_id]) + 2 * _BOX_PADDING
        for tasks in layers
    ]


def _places(
    columns: Sequence[Sequence[_Slot]],
    heights: Mapping[_Slot, float],
    widths: Sequence[float],
    top: float,
) -> tuple[dict[_Slot, _Place], float, float]:
    column_heights = [
        sum(heights[slot] for slot in column) + _ROW_GAP * (len(column) - 1) for column in columns
    ]
    tallest = max(column_heights, default=0)
    places: dict[_Slot, _Place] = {}
    left: float = _MARGIN
    for column, column_height, width in zip(columns, column_heights, widths, strict=True):
        y = top + (tallest - column_height) / 2
        for slot in column:
            places[slot] = _Place(left, left + width, y + heights[slot] / 2)
            y += heights[slot] + _ROW_GAP
        left += width + _COLUMN_GAP
    right = max((place.right for place in places.values()), default=0.0)
    return places, right + _MARGIN, top + tallest + _MARGIN


def _edges(
    places: Mapping[_Slot, _Place],
    links: Iterable[tuple[_Slot, _Slot]],
    tasks: Mapping[_Slot, TaskSpec],
) -> Iterable[Edge]:
    for source, target in links:
        start, end = places[source], places[target]
        yield Edge(start.right, start.middle, end.left, end.middle, target in tasks)
    for slot, place in places.items():
        if slot not in tasks:
            yield Edge(place.left, place.middle, place.right, place.middle, False)
