"""Mermaid, which Markdown pages of many services draw: https://mermaid.js.org."""

from __future__ import annotations

from dagy_cli.escaping import visible
from dagy_cli.graphs.layers import label_lines
from dagy_cli.render.view import Surface
from dagy_types import FlowSpec

_PLAIN = frozenset(" _-.,()[]")


def draw(spec: FlowSpec, surface: Surface) -> str:
    """Return a flowchart from top to bottom."""
    # Words such as `end` have a meaning in Mermaid, so nodes are numbered and ids are labels.
    nodes = {task.task_id: f"t{number}" for number, task in enumerate(spec.tasks, start=1)}
    lines = ["flowchart TD"]
    for task in spec.tasks:
        label = "<br/>".join(_escaped(line, surface) for line in label_lines(task))
        box = f'[["{label}"]]' if task.is_mapped else f'["{label}"]'
        lines.append(f"    {nodes[task.task_id]}{box}")
    for task in spec.tasks:
        lines += [f"    {nodes[each]} --> {nodes[task.task_id]}" for each in task.depends_on]
    return "\n".join(lines) + "\n"


def _escaped(text: str, surface: Surface) -> str:
    # Quotes, comments, directives, HTML, Markdown, line breaks: rather than know them all, let
    # through what is surely none of them.
    return "".join(
        character
        if (character.isalnum() and (surface.is_unicode or character.isascii()))
        or character in _PLAIN
        else f"#{ord(character)};"
        for character in visible(text)
    )
