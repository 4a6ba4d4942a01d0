from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_cli.parameters import add_flow_arguments, flow_with_parameters
from dagy_cli.parser import CommandParser
from dagy_types.errors import DagyError, NotFoundError, UsageError


@pytest.fixture
def read(flow_file: Path) -> Callable[..., dict[str, Any]]:
    """Parse arguments as a command does and return the parameters of the flow `good`."""

    def parameters(*words: str) -> dict[str, Any]:
        parser = CommandParser(prog="dagy", configure=_configure)
        flow, values = flow_with_parameters(parser.parse_args([f"{flow_file}:good", *words]))
        assert flow.name == "good"
        return values

    return parameters


def _configure(parser: CommandParser) -> None:
    add_flow_arguments(parser)
    parser.set_defaults(handler=None)


def test_parameters_come_from_a_file_and_the_command_line_beats_it(
    read: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "params.json"
    file.write_text('{"number": 40}')
    assert read() == {"number": 1}
    assert read("--params", str(file)) == {"number": 40}
    assert read("--params", str(file), "--param", "number=7") == {"number": 7}


def test_a_parameter_given_twice_is_refused(read: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(UsageError, match="The parameter 'number' is given twice"):
        read("--param", "number=1", "--param", "number=2")


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (None, NotFoundError, "There is no file"),
        ("{", UsageError, "is not JSON"),
        ("[1]", UsageError, "holds no JSON object"),
        ('{"count": 1}', UsageError, "has no parameter 'count'"),
    ],
)
def test_an_unusable_parameter_file_is_refused(
    content: str | None,
    kind: type[DagyError],
    message: str,
    read: Callable[..., dict[str, Any]],
    tmp_path: Path,
    local_dir: Path,
) -> None:
    file = tmp_path / "params.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(kind, match=message):
        read("--params", str(file))
    assert not local_dir.exists()


def test_a_directory_is_no_parameter_file(
    read: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as error:
        read("--params", str(tmp_path))
    assert error.value.message == f"{tmp_path} cannot be read: Is a directory."
