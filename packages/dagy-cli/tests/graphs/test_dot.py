from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dagy_cli.graphs.dot import draw
from dagy_cli.render.view import Surface
from dagy_types import FlowSpec, TaskSpec


def test_a_digraph_has_a_line_for_each_task_and_edge(spec: FlowSpec) -> None:
    assert draw(spec, Surface()) == (
        'digraph "daily" {\n'
        "    rankdir=LR;\n"
        '    node [shape=box, style=rounded, fontname="monospace"];\n'
        '    "load" [label="load"];\n'
        '    "odd" [label="odd\\na \\"b\\" <c> &amp; \\\\n #x; `%%{d}\\\\n\\\\x1b[31m 流 '
        '\\\\u202e"];\n'
        '    "report" [label="report"];\n'
        '    "load" -> "odd";\n'
        '    "odd" -> "report";\n'
        '    "load" -> "report";\n'
        "}\n"
    )


def test_where_only_ascii_goes_letters_are_references() -> None:
    spec = FlowSpec(name="流", tasks=(TaskSpec(task_id="a", name="é"),))
    text = draw(spec, Surface(is_unicode=False))
    assert 'digraph "&#27969;" {' in text
    assert '"a" [label="a\\n&#233;"];' in text


@given(st.text())
def test_no_name_ends_its_label(name: str) -> None:
    text = draw(FlowSpec(name="f", tasks=(TaskSpec(task_id="x", name=name),)), Surface())
    assert re.fullmatch(r'    "x" \[label="([^"\\\n]|\\["\\n])*"\];', text.split("\n")[3])


def test_a_mapped_task_has_a_double_border(mapped_spec: FlowSpec) -> None:
    assert '    "step" [label="step \u00d7N", peripheries=2];\n' in draw(mapped_spec, Surface())
