"""Find a flow in a Python file."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from dagy._failure import position, summary
from dagy._flow import Flow
from dagy_types.errors import DagyError, FlowDefinitionError, NotFoundError, UsageError


def load_flow(target: str) -> Flow[..., Any]:
    """Import a file and return a flow of it.

    Args:
        target: ``PATH.py:FLOW``, where FLOW is the variable or the flow's own name; ``PATH.py``
            alone when the file holds one flow.

    Raises:
        UsageError: When the target has another form, or the file holds several flows and none is
            named.
        NotFoundError: When there is no such file, or no such flow in it.
        FlowDefinitionError: When the file cannot be imported.
    """
    path_text, _, name = target.partition(":")
    path = Path(path_text)
    if path.suffix != ".py":
        raise UsageError(
            f"{target!r} does not name a flow in a Python file.",
            hint="Give PATH.py:FLOW, for example etl.py:daily.",
        )
    if not path.is_file():
        raise NotFoundError(
            f"There is no file {path_text}.", hint="Check the path before the colon."
        )
    flows = _flows_of(_import_file(path))
    return _choose(flows, name, path_text)


def _choose(flows: Mapping[str, Flow[..., Any]], name: str, path: str) -> Flow[..., Any]:
    names = ", ".join(flows)
    if not flows:
        raise NotFoundError(
            f"There is no flow in {path}.",
            hint="Put @flow above the function that calls the tasks.",
        )
    if not name:
        if len(flows) == 1:
            return next(iter(flows.values()))
        raise UsageError(
            f"{path} holds {len(flows)} flows: {names}.",
            hint=f"Name one, for example {path}:{next(iter(flows))}",
        )
    found = flows.get(name) or next((flow for flow in flows.values() if flow.name == name), None)
    if found is None:
        raise NotFoundError(
            f"There is no flow {name!r} in {path}.", hint=f"The flows there: {names}."
        )
    return found


def _flows_of(module: ModuleType) -> dict[str, Flow[..., Any]]:
    return {name: value for name, value in vars(module).items() if isinstance(value, Flow)}


def _import_file(path: Path) -> ModuleType:
    directory = str(path.resolve().parent)
    if directory not in sys.path:
        sys.path.insert(0, directory)  # as `python FILE` does: its neighbours can be imported
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and pickles look for it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _import_failure(path, error) from error
    return module


def _import_failure(path: Path, error: BaseException) -> FlowDefinitionError:
    what, hint = summary(error), f"Try: python {path}"
    if isinstance(error, DagyError):  # a decorator refused what it got, and says what to do
        what, hint = error.message.removesuffix("."), error.hint or hint
    return FlowDefinitionError(f"{path} cannot be imported: {what}{position(error)}.", hint=hint)


def _module_name(path: Path) -> str:
    """Return the file's own name, unless a module has that name already."""
    if path.stem in sys.modules or path.stem in sys.stdlib_module_names:
        return f"dagy_flow_file_{path.stem}"
    return path.stem
