from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dagy_server import field_types as fields
from dagy_server import limits


class _Body(fields.RequestModel):
    name: fields.Name = "x"
    label: fields.Label = "x"
    task_id: fields.TaskRunId = "x"
    namespace: fields.Namespace = ""
    description: fields.Description = ""
    message: fields.Message = ""
    tags: fields.Tags = {}
    parameters: fields.Parameters = {}
    at: fields.Moment | None = None


def _faults(**values: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        _Body.model_validate(values)
    return [".".join(map(str, fault["loc"])) for fault in caught.value.errors()]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\nb", "\x00", "\x7f", "\ud800", "x" * 201, 5]
)
def test_what_cannot_stand_in_a_path_is_no_name(name: object) -> None:
    assert _faults(name=name) == ["name"]


@pytest.mark.parametrize("name", ["daily", "naïve-流", "a b", "...", "x" * 200, "%2f"])
def test_all_else_is_a_name(name: str) -> None:
    assert _Body(name=name).name == name


def test_a_label_may_have_a_slash_and_is_one_line() -> None:
    assert _Body(label="a/b").label == "a/b"
    assert _faults(label="a\nb") == ["label"]
    assert _faults(label="") == ["label"]


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("name", limits.NAME_CHARACTERS),
        ("label", limits.NAME_CHARACTERS),
        ("task_id", limits.TASK_RUN_ID_CHARACTERS),
        ("namespace", limits.NAME_CHARACTERS),
        ("description", limits.DESCRIPTION_CHARACTERS),
        ("message", limits.LOG_MESSAGE_CHARACTERS),
    ],
)
def test_a_text_has_a_longest_length_sec_04(field: str, longest: int) -> None:
    assert getattr(_Body.model_validate({field: "x" * longest}), field) == "x" * longest
    assert _faults(**{field: "x" * (longest + 1)}) == [field]
    assert _faults(**{field: 5}) == [field]


@pytest.mark.parametrize(
    "tags",
    [
        {"": "x"},
        {"a\n": "x"},
        {"\ud800": "x"},
        {"a": "\ud800"},
        {"a": 1},
        {"k" * (limits.TAG_KEY_CHARACTERS + 1): "x"},
        {"k": "v" * (limits.TAG_VALUE_CHARACTERS + 1)},
        {str(number): "x" for number in range(limits.TAGS + 1)},
        ["a"],
    ],
)
def test_tags_are_short_and_few_and_text_sec_04(tags: Any) -> None:
    assert {each.split(".")[0] for each in _faults(tags=tags)} == {"tags"}


def test_as_many_and_as_long_tags_as_may_be_are_taken_sec_04() -> None:
    tags = {
        f"{number:>{limits.TAG_KEY_CHARACTERS}}": "v" * limits.TAG_VALUE_CHARACTERS
        for number in range(limits.TAGS)
    }
    assert _Body(tags=tags).tags == tags


@given(st.text(st.characters(exclude_categories=())))
def test_every_message_is_kept_as_text_that_all_can_read(text: str) -> None:
    kept = _Body(message=text).message
    assert "\x00" not in kept
    assert kept.encode().decode() == kept
    if "\x00" not in text and text.encode(errors="ignore").decode() == text:
        assert kept == text


@pytest.mark.parametrize(
    "parameters", [[], "x", None, 5, {"a": "\ud800"}, {"\ud800": 1}, {"a": [{"b": "\ud800"}]}]
)
def test_parameters_are_a_json_object(parameters: Any) -> None:
    assert _faults(parameters=parameters) == ["parameters"]


def test_there_are_only_so_many_parameters_sec_04() -> None:
    many = {str(number): number for number in range(limits.PARAMETERS)}
    assert _Body(parameters=many).parameters == many
    assert _faults(parameters={**many, "one": "more"}) == ["parameters"]


@pytest.mark.parametrize(
    "at", ["2026-11-01T12:00:00Z", "2026-11-01T13:00:00+01:00", "2026-11-01 12:00:00Z"]
)
def test_a_time_is_taken_in_any_zone(at: Any) -> None:
    assert _Body(at=at).at == datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "at",
    [5, "5", "2026-11-01T12:00:00", "x", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00"],
)
def test_what_is_no_moment_of_the_calendar_is_refused(at: Any) -> None:
    assert _faults(at=at) == ["at"]


def test_an_unknown_field_is_refused_sec_03() -> None:
    assert _faults(organisation_id="org_x") == ["organisation_id"]
