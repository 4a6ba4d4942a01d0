from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dagy_cli.graphs.mermaid import draw
from dagy_cli.render.view import Surface
from dagy_types import FlowSpec, TaskSpec


def test_a_flowchart_has_a_line_for_each_task_and_edge(spec: FlowSpec) -> None:
    assert draw(spec, Surface()) == (
        "flowchart TD\n"
        '    t1["load"]\n'
        '    t2["odd<br/>a #34;b#34; #60;c#62; #38; #92;n #35;x#59; '
        '#96;#37;#37;#123;d#125;#92;n#92;x1b[31m 流 #92;u202e"]\n'
        '    t3["report"]\n'
        "    t1 --> t2\n"
        "    t2 --> t3\n"
        "    t1 --> t3\n"
    )


def test_where_only_ascii_goes_letters_are_numbers() -> None:
    spec = FlowSpec(name="f", tasks=(TaskSpec(task_id="a", name="流"),))
    assert '["a<br/>#27969;"]' in draw(spec, Surface(is_unicode=False))


@given(st.text())
def test_no_name_ends_its_label(name: str) -> None:
    text = draw(FlowSpec(name="f", tasks=(TaskSpec(task_id="x", name=name),)), Surface())
    assert re.fullmatch(r'flowchart TD\n    t1\["x(<br/>([\w .,()\[\]-]|#\d+;)*)?"\]\n', text)


def test_a_mapped_task_has_a_double_border(mapped_spec: FlowSpec) -> None:
    assert '    t2[["step #215;N"]]\n' in draw(mapped_spec, Surface())
