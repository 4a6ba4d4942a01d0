from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dagy_cli.graphs.text import draw
from dagy_cli.render.view import Surface
from dagy_types import FlowSpec, TaskSpec


def test_tasks_are_listed_by_layer_with_what_they_depend_on(spec: FlowSpec) -> None:
    assert draw(spec, Surface()) == (
        "daily (version latest): 3 tasks in 3 layers\n"
        "\n"
        "Layer 1 (1 task)\n"
        "  load\n"
        "\n"
        "Layer 2 (1 task)\n"
        '  odd (a "b" <c> & \\n #x; `%%{d}\\n\\x1b[31m 流 \\u202e)  ← load\n'
        "\n"
        "Layer 3 (1 task)\n"
        "  report                                            ← odd, load\n"
    )


def test_ascii_has_an_arrow_of_its_own(named_spec: FlowSpec) -> None:
    assert draw(named_spec, Surface(is_unicode=False)).endswith("  report  <- load\n")


def test_an_empty_flow_has_no_layer() -> None:
    assert draw(FlowSpec(name="f"), Surface()) == "f (version latest): 0 tasks in 0 layers\n"


def _fan(count: int) -> FlowSpec:
    parts = tuple(TaskSpec(task_id=f"part-{n}", name="part") for n in range(count))
    total = TaskSpec(task_id="total", name="total", depends_on=tuple(t.task_id for t in parts))
    return FlowSpec(name="fan", tasks=(*parts, total))


def test_a_terminal_shows_as_many_upstream_tasks_as_fit() -> None:
    lines = draw(_fan(1000), Surface(width=60)).splitlines()
    assert lines[-1] == "  total     ← part-0, part-1, part-2, part-3 and 996 more"
    assert len(lines) == 1000 + 6


def test_a_pipe_has_room_for_all_of_them() -> None:
    last = draw(_fan(1000), Surface()).splitlines()[-1]
    assert last.endswith(", part-998, part-999")
    assert last.count(",") == 999


@given(st.lists(st.text(min_size=1), max_size=5), st.integers(30, 120))
def test_no_name_reaches_the_terminal_raw_or_is_wider_than_it(names: list[str], width: int) -> None:
    tasks = [
        TaskSpec(task_id=f"t{n}", name=name, depends_on=tuple(f"t{m}" for m in range(n)))
        for n, name in enumerate(names)
    ]
    text = draw(FlowSpec(name="f", tasks=tuple(tasks)), Surface(width=width))
    assert all(character.isprintable() or character == "\n" for character in _sure(text))
    assert all(len(line) <= max(width, 46) for line in text.splitlines())


def _sure(text: str) -> str:
    # Spaces other than the usual one and unassigned characters are harmless, yet not "printable".
    import unicodedata

    return "".join(c for c in text if unicodedata.category(c) not in ("Zs", "Cn", "Co"))


def test_a_mapped_task_has_a_mark(mapped_spec: FlowSpec) -> None:
    assert draw(mapped_spec, Surface()).endswith("  step \u00d7N  ← load\n")
    assert draw(mapped_spec, Surface(is_unicode=False)).endswith("  step xN  <- load\n")
