"""Pydantic's models, for flows that use them; nothing here imports pydantic."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from dagy._mismatch import Mismatch, shown


def is_model_class(kind: Any) -> bool:
    """Tell whether a class is a model of pydantic 2.

    Whoever has defined a model has imported pydantic, so there is no need to do it here.
    """
    base = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
    return (
        base is not None
        and isinstance(kind, type)
        and issubclass(kind, base)
        and hasattr(kind, "model_validate")
    )


def validated(model: Any, value: Any) -> Any:
    """Return the instance of a model class that a dictionary or JSON value stands for.

    Raises:
        Mismatch: Names the field, what it must be and what it was.
    """
    try:
        try:
            text = json.dumps(value)
        except (TypeError, ValueError):  # values that only Python has, such as dates
            return model.model_validate(value)
        return model.model_validate_json(text)
    except Exception as error:  # noqa: BLE001  validators are the author's, and raise anything
        raise _misfit(model, value, error) from None


def model_to_json(model: Any) -> Any:
    """Return the JSON form of an instance, from which `validated` makes an equal one.

    Raises:
        Mismatch: When there is none.
    """
    for by_alias in (False, True):
        try:
            document = model.model_dump(mode="json", round_trip=True, by_alias=by_alias)
            if validated(type(model), document) == model:
                return document
        except Exception:  # noqa: BLE001, S112  serializers are the author's, too; refused below
            continue
    raise Mismatch(
        f"is a {type(model).__name__}, which its own JSON form does not restore; "
        "pass plain values, and make the model of them in a task"
    )


def model_state(model: Any) -> dict[str, Any]:
    """Return all that an instance holds, as it does when it is pickled."""
    state: dict[str, Any] = model.__getstate__()
    return state


def model_from_state(kind: Any, state: Mapping[str, Any]) -> Any:
    """Return the instance with this state; nothing is validated once more."""
    model = kind.__new__(kind)
    model.__setstate__(dict(state))
    return model


def _misfit(model: Any, value: Any, error: Exception) -> Mismatch:
    name = model.__name__
    problems = error.errors() if hasattr(error, "errors") else []
    if not problems:
        return Mismatch(f"must be a {name}; its validation raised {error!r}", is_inside=True)
    first = problems[0]
    place = ".".join(map(str, first["loc"]))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    what = " ".join(first["msg"].split())
    at = f"at {place}: " if place else ""
    return Mismatch(
        f"must be a {name}; {at}{what}; got {shown(first['input'])}{more}",
        is_inside=isinstance(value, Mapping),
    )
