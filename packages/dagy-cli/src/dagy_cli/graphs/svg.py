"""SVG: a picture that needs nothing from elsewhere, from left to right."""

from __future__ import annotations

from dagy_cli.graphs.layout import Box, Edge, layout_of
from dagy_cli.render.cells import counted
from dagy_cli.render.view import Surface
from dagy_cli.svg import number, svg_document, svg_text, text_width
from dagy_types import FlowSpec

_HEADING_HEIGHT = 52
_MARGIN = 20
_BASELINE = 18  # from the top of a box to its first line of text
_LINE_HEIGHT = 18
_STACK_OFFSET = 4
_STYLE = (
    "path { fill: none; stroke: #7b8794; stroke-width: 1.2; } "
    ".head { fill: #7b8794; stroke: none; } "
    "rect.task { fill: #eef4fb; stroke: #3b6ea5; } "
    "rect.task.output { stroke-width: 2.5; } "
    ".name { fill: #52606d; } .heading { font-weight: bold; }"
)


def draw(spec: FlowSpec, _surface: Surface) -> str:
    """Return an SVG document; tasks that the flow's result is built from have a thick border."""
    layout = layout_of(spec, top=_HEADING_HEIGHT)
    title = f"{spec.name} (version {spec.version}): {counted(len(spec.tasks), 'task')}"
    body = [f'<text class="heading" x="{_MARGIN}" y="30">{svg_text(title)}</text>']
    body += [_edge(edge) for edge in layout.edges]
    body += [_box(box, is_output=box.task.task_id in spec.outputs) for box in layout.boxes]
    return svg_document(
        body,
        width=max(layout.width, text_width(title) + 2 * _MARGIN),
        height=layout.height,
        title=title,
        style=_STYLE,
    )


def _edge(edge: Edge) -> str:
    x1, y1, y2 = number(edge.x1), number(edge.y1), number(edge.y2)
    x2 = number(edge.x2 - 6 if edge.is_end else edge.x2)
    middle = number((edge.x1 + edge.x2) / 2)
    line = f'<path d="M {x1} {y1} C {middle} {y1} {middle} {y2} {x2} {y2}"/>'
    if not edge.is_end:
        return line
    return line + f'<path class="head" d="M {number(edge.x2)} {y2} l -8 -4 v 8 z"/>'


def _box(box: Box, *, is_output: bool) -> str:
    hover = [box.task.task_id, box.task.name, box.task.description or ""]
    kind = "task output" if is_output else "task"
    # A mapped task is a stack of boxes.
    offsets = (_STACK_OFFSET, 0) if box.task.is_mapped else (0,)
    shape = "".join(
        f'<rect class="{kind}" x="{number(box.x + offset)}" y="{number(box.y + offset)}" '
        f'width="{number(box.width)}" height="{number(box.height)}" rx="5"/>'
        for offset in offsets
    )
    texts = [
        f'<text class="{"id" if index == 0 else "name"}" x="{number(box.x + box.width / 2)}" '
        f'y="{number(box.y + _BASELINE + index * _LINE_HEIGHT)}" text-anchor="middle">'
        f"{svg_text(line)}</text>"
        for index, line in enumerate(box.lines)
    ]
    title = "&#10;".join(svg_text(each) for each in dict.fromkeys(hover) if each)
    return f"<g><title>{title}</title>{shape}{''.join(texts)}</g>"
