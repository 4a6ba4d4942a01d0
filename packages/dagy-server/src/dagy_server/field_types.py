"""The types of fields in requests: how long they may be, and what may be in them.

Both databases can keep whatever these let through, and JSON can say it.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic.fields import FieldInfo

from dagy_client.reports import kept_text
from dagy_server import limits

_YEAR = re.compile(r"[0-9]{4}-")  # a number alone is no time, though it might be seconds
_FIRST_PRINTABLE = " "
_DELETE = "\x7f"


class RequestModel(BaseModel):
    """The body of a request; a field that is not in it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _escaped(value: Any) -> Any:  # Any: what a request says
    return kept_text(value) if isinstance(value, str) else value


def _addressable(text: str) -> str:
    if "/" in text or text in (".", ".."):
        raise ValueError("it is a part of paths, so it cannot have a / or be . or ..")
    return _one_line(text)


def _one_line(text: str) -> str:
    if any(each < _FIRST_PRINTABLE or each == _DELETE for each in text):
        raise ValueError("it cannot have control characters")
    return text


def _written_out(value: Any) -> Any:  # Any: what a request says
    if not isinstance(value, str) or not _YEAR.match(value):
        raise ValueError("it should be a time such as 2026-11-01T12:00:00Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("it is outside the calendar") from None


def _sayable(values: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it has half a character (a lone surrogate)") from None
    return values


_Short = StringConstraints(min_length=1, max_length=limits.NAME_CHARACTERS)


def _described(pattern: str) -> FieldInfo:
    """Say in the description what a function checks, whose words are better than a pattern's."""
    found: FieldInfo = Field(json_schema_extra={"pattern": pattern})
    return found


_OF_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"

Name = Annotated[
    str,
    _Short,
    AfterValidator(_addressable),
    _described(r"^(?!\.{1,2}$)[^/\x00-\x1f\x7f]+$"),
]
"""A name that people give and that stands in paths: of a flow, a version, a deployment."""

Label = Annotated[str, _Short, AfterValidator(_one_line), _described(_OF_ONE_LINE)]
"""A name that stands in no path."""

TaskRunId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=limits.TASK_RUN_ID_CHARACTERS),
    AfterValidator(_one_line),
    _described(_OF_ONE_LINE),
]
"""The id of a task in a run: a child of a mapped task has its index behind that one's id."""

Namespace = Annotated[
    str,
    StringConstraints(max_length=limits.NAME_CHARACTERS),
    AfterValidator(_one_line),
    _described(_OF_ONE_LINE),
]

Description = Annotated[str, StringConstraints(max_length=limits.DESCRIPTION_CHARACTERS)]

Message = Annotated[
    str, BeforeValidator(_escaped), StringConstraints(max_length=limits.LOG_MESSAGE_CHARACTERS)
]

Tags = Annotated[
    dict[
        Annotated[
            str,
            StringConstraints(min_length=1, max_length=limits.TAG_KEY_CHARACTERS),
            AfterValidator(_one_line),
        ],
        Annotated[str, StringConstraints(max_length=limits.TAG_VALUE_CHARACTERS)],
    ],
    Field(max_length=limits.TAGS),
    Field(
        json_schema_extra={
            "propertyNames": {
                "minLength": 1,
                "maxLength": limits.TAG_KEY_CHARACTERS,
                "pattern": _OF_ONE_LINE,
            }
        }
    ),
]

Environment = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=limits.TAG_KEY_CHARACTERS)],
        Annotated[str, StringConstraints(max_length=limits.TAG_VALUE_CHARACTERS)],
    ],
    Field(max_length=limits.TAGS),
]
"""What a run ran with: versions of programs."""

Parameters = Annotated[
    dict[str, Any],  # Any: JSON
    Field(max_length=limits.PARAMETERS),
    AfterValidator(_sayable),
]

Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]

Filter = Annotated[str, StringConstraints(max_length=limits.NAME_CHARACTERS)]
"""A name in the query of a list: one that nothing can have finds nothing."""

TaskFilter = Annotated[str, StringConstraints(max_length=limits.TASK_RUN_ID_CHARACTERS)]
"""Likewise the id or name of a task."""
