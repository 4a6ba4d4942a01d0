"""DOT, the language of Graphviz: https://graphviz.org/doc/info/lang.html."""

from __future__ import annotations

from dagy_cli.escaping import visible
from dagy_cli.graphs.layers import label_lines
from dagy_cli.render.view import Surface
from dagy_types import FlowSpec


def draw(spec: FlowSpec, surface: Surface) -> str:
    """Return a directed graph from left to right."""
    lines = [
        f'digraph "{_escaped(spec.name, surface)}" {{',
        "    rankdir=LR;",
        '    node [shape=box, style=rounded, fontname="monospace"];',
    ]
    for task in spec.tasks:
        label = r"\n".join(_escaped(line, surface) for line in label_lines(task))
        border = ", peripheries=2" if task.is_mapped else ""
        # An id has no character that would need an escape.
        lines.append(f'    "{task.task_id}" [label="{label}"{border}];')
    for task in spec.tasks:
        lines += [f'    "{each}" -> "{task.task_id}";' for each in task.depends_on]
    return "\n".join([*lines, "}"]) + "\n"


def _escaped(text: str, surface: Surface) -> str:
    # Graphviz reads HTML entities in labels, too.
    escaped = visible(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    if surface.is_unicode:
        return escaped
    return escaped.encode("ascii", "xmlcharrefreplace").decode("ascii")
