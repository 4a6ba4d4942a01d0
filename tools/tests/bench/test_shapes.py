from __future__ import annotations

import pytest
import shapes


@pytest.mark.parametrize("size", [10, 20, 130])
@pytest.mark.parametrize("shape", shapes.GRAPHS)
def test_a_graph_has_as_many_tasks_as_it_is_large_and_each_after_its_upstream(shape, size):
    graph = shapes.GRAPHS[shape](size)

    assert len(graph) == size
    assert all(each < number for number, upstream in enumerate(graph) for each in upstream)


@pytest.mark.parametrize("size", [10, 20, 130])
@pytest.mark.parametrize("shape", shapes.GRAPHS)
def test_the_expected_result_is_what_running_the_graph_gives(shape, size):
    graph = shapes.GRAPHS[shape](size)

    assert _run(graph) == shapes.expected_result(shape, size)


def test_the_expected_result_of_a_map_is_what_running_it_gives():
    leaves = [shapes.work([item]) for item in shapes.map_items(50)]

    assert shapes.work(leaves) == shapes.expected_result("map", 50)


@pytest.mark.parametrize("number", [0, 7, 29])
@pytest.mark.parametrize("shape", shapes.GRAPHS)
def test_a_task_whose_value_is_lost_shows_in_the_result(shape, number):
    graph = shapes.GRAPHS[shape](30)

    assert _run(graph, lost=number) != shapes.expected_result(shape, 30)


@pytest.mark.parametrize("size", [0, 5, 11, -10])
def test_a_size_that_not_every_shape_can_have_is_refused(size):
    with pytest.raises(ValueError, match=f"{size} is not a size"):
        shapes.check_size(size)


def _run(graph, lost=None):
    results = []
    for number, upstream in enumerate(graph):
        value = shapes.work([results[each] for each in upstream])
        results.append(0 if number == lost else value)
    return sum(results[each] for each in shapes.last_tasks(graph))
