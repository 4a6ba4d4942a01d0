"""The parameters of a flow as the command line gives them, and the flow that they are for."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagy_cli.arguments import parameter
from dagy_cli.parser import CommandParser
from dagy_types.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from dagy import Flow


def add_flow_arguments(parser: CommandParser) -> None:
    """Add the flow that a command works with, and its parameters."""
    add = parser.add_argument
    add("target", metavar="TARGET", help="PATH.py:FLOW, or PATH.py when it holds one flow")
    add(
        "--param",
        metavar="NAME=VALUE",
        action="append",
        type=parameter,
        default=[],
        help="a parameter of the flow, read by its annotation; may be repeated",
    )
    add("--params", metavar="FILE.json", help="parameters from a JSON object; --param beats it")


def flow_with_parameters(args: Namespace) -> tuple[Flow[..., Any], dict[str, Any]]:
    """Import the flow and return it with its complete parameters.

    Raises:
        UsageError: When a parameter is missing, unknown, given twice or of the wrong type.
        NotFoundError: When there is no such flow, or no such file of parameters.
        FlowDefinitionError: When the flow's file cannot be imported.
    """
    texts, values = _texts(args.param), _values(args.params)
    # Imported here: only now is it certain that the SDK is needed.
    from dagy.loader import load_flow

    flow = load_flow(args.target)
    return flow, flow.parse_parameters(texts, values)


def parameters_of_args(args: Namespace) -> dict[str, Any]:
    """Return the parameters for a flow that is not at hand: each is JSON, or else a text.

    Raises:
        UsageError: When one is given twice, or the file of parameters cannot be used.
        NotFoundError: When there is no such file.
    """
    values = _values(args.params)
    return values | {name: _json_or_text(text) for name, text in _texts(args.param).items()}


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        return text


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _texts(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in pairs:
        if name in texts:
            raise UsageError(f"The parameter {name!r} is given twice.", hint="Leave one out.")
        texts[name] = value
    return texts


def _values(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.", hint="Check --params.") from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", hint="Check --params."
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.", hint="Check --params.") from error
    if not isinstance(values, dict):
        raise UsageError(
            f"{path} holds no JSON object.", hint='Write parameters as {"name": value, …}.'
        )
    return values
