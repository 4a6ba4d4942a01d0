from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from dagy_cli.graphs.svg import draw
from dagy_cli.render.view import Surface
from dagy_types import FlowSpec, TaskSpec

SVG = "{http://www.w3.org/2000/svg}"
SIDES = ("x", "y", "width", "height")


def test_the_picture_has_a_box_and_a_text_for_each_task(spec: FlowSpec) -> None:
    root = ElementTree.fromstring(draw(spec, Surface()))
    boxes = root.findall(f"{SVG}g")
    assert [box.findtext(f"{SVG}text") for box in boxes] == ["load", "odd", "report"]
    assert boxes[0].findtext(f"{SVG}title") == "load\nRead the rows."
    assert boxes[1].findall(f"{SVG}text")[1].text == (
        'a "b" <c> & \\n #x; `%%{d}\\n\\x1b[31m 流 \\u202e'
    )
    kinds = [box.find(f"{SVG}rect").get("class") for box in boxes]  # type: ignore[union-attr]
    assert kinds == ["task", "task", "task output"]


def test_an_arrow_head_ends_each_edge(spec: FlowSpec) -> None:
    root = ElementTree.fromstring(draw(spec, Surface()))
    heads = [path for path in root.findall(f"{SVG}path") if path.get("class") == "head"]
    assert len(heads) == 3


def test_the_same_flow_gives_the_same_picture(spec: FlowSpec) -> None:
    assert draw(spec, Surface()) == draw(spec, Surface())


def test_an_empty_flow_has_a_picture_with_its_name() -> None:
    root = ElementTree.fromstring(draw(FlowSpec(name="nothing"), Surface()))
    assert root.findtext(f"{SVG}text") == "nothing (version latest): 0 tasks"
    assert float(root.get("width", "0")) > 200


@given(st.text(), st.text(), st.text())
def test_any_name_gives_a_well_formed_picture(name: str, flow: str, description: str) -> None:
    task = TaskSpec(task_id="x", name=name, description=description)
    text = draw(FlowSpec(name=flow, tasks=(task,)), Surface())
    ElementTree.fromstring(text)
    assert all(character == "\n" or " " <= character <= "~" for character in text)


def test_a_mapped_task_is_a_stack_of_boxes_that_stays_in_the_picture(
    mapped_spec: FlowSpec,
) -> None:
    root = ElementTree.fromstring(draw(mapped_spec, Surface()))
    load, step = (box.findall(f"{SVG}rect") for box in root.findall(f"{SVG}g"))
    assert (len(load), len(step)) == (1, 2)
    behind, front = ({key: float(box.get(key, "0")) for key in SIDES} for box in step)
    assert (behind["x"] - front["x"], behind["y"] - front["y"]) == (4, 4)
    assert behind["x"] + behind["width"] < float(root.get("width", "0"))
    assert behind["y"] + behind["height"] < float(root.get("height", "0"))
