"""Metaflow: a flow file, run by its own command; each task is a process.

A graph is made of its steps and its foreach, so a join after each layer and a split before it come
on top of the tasks that are counted.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

from metaflow import Flow, namespace
from shapes import LAYER, expected_result
from trial import Prepare, Trial

_HEAD = """\
import sys

from metaflow import FlowSpec, step

sys.path.insert(0, {directory!r})
from shapes import map_items, work


class Benchmark(FlowSpec):
"""
_TAIL = """

if __name__ == "__main__":
    Benchmark()
"""


def flow_source(shape: str, size: int) -> str:
    """Return the text of a flow file."""
    if shape == "chain":
        steps = _chain_steps(size)
    elif shape == "layers":
        steps = _layer_steps(size // LAYER)
    else:
        steps = _fan_steps(shape, size)
    head = _HEAD.format(directory=str(Path(__file__).parents[1]))
    return head + textwrap.indent("\n\n".join(steps), "    ") + _TAIL


def _step(name: str, *lines: str, is_join: bool = False) -> str:
    arguments = "self, inputs" if is_join else "self"
    body = "\n".join(f"    {line}" for line in lines)
    return f"@step\ndef {name}({arguments}):\n{body}"


def _chain_steps(size: int) -> list[str]:
    names = ["start", *(f"s{number}" for number in range(2, size)), "end"]
    steps = [_step("start", "self.value = work([])", f"self.next(self.{names[1]})")]
    for name, following in pairwise(names[1:]):
        steps.append(_step(name, "self.value = work([self.value])", f"self.next(self.{following})"))
    return [*steps, _step("end", "self.result = work([self.value])")]


def _fan_steps(shape: str, size: int) -> list[str]:
    is_map = shape == "map"
    items = f"map_items({size})" if is_map else f"[work([])] * {size - 2}"
    return [
        _step("start", f"self.items = {items}", "self.next(self.leaf, foreach='items')"),
        _step("leaf", "self.value = work([self.input])", "self.next(self.gather)"),
        _step(
            "gather",
            "self.result = work([each.value for each in inputs])",
            "self.next(self.end)",
            is_join=True,
        ),
        _step("end", "pass"),
    ]


def _layer_steps(count: int) -> list[str]:
    steps = [_step("start", "self.values = []", "self.next(self.split0)")]
    for number in range(count):
        is_last = number == count - 1
        steps += [
            _step(
                f"split{number}",
                f"self.items = list(range({LAYER}))",
                f"self.next(self.cell{number}, foreach='items')",
            ),
            _step(
                f"cell{number}", "self.value = work(self.values)", f"self.next(self.join{number})"
            ),
            _step(
                f"join{number}",
                "self.values = [each.value for each in inputs]",
                f"self.next(self.{'end' if is_last else f'split{number + 1}'})",
                is_join=True,
            ),
        ]
    return [*steps, _step("end", "self.result = sum(self.values)")]


def prepare(shape: str, size: int, directory: Path) -> Trial:
    """Prepare a run by the command line."""
    file = directory / "benchmark_flow.py"
    file.write_text(flow_source(shape, size), encoding="utf-8")
    command = [sys.executable, str(file), "--quiet", "--no-pylint", "run"]
    limits = ["--max-num-splits", str(size), "--max-workers", "4"]

    def run() -> int:
        subprocess.run([*command, *limits], cwd=directory, check=True, stdout=subprocess.DEVNULL)
        namespace(None)
        newest = Flow("Benchmark").latest_run
        if not newest.successful:
            raise RuntimeError(f"{newest} did not succeed")
        last = "end" if shape in ("chain", "layers") else "gather"
        value: int = newest[last].task.data.result
        return value

    return Trial(run, expected_result(shape, size))


WAYS: dict[str, Prepare] = {"metaflow": prepare}
