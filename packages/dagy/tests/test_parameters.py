from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dagy._parameters import Parameters
from dagy_types.errors import FlowDefinitionError, UsageError


def body(day: date, out: Path = Path("out"), count: int = 3, loose=2.5) -> None:  # type: ignore[no-untyped-def]
    ...


PARAMETERS = Parameters("etl", body)


def test_texts_and_values_together_make_complete_parameters() -> None:
    assert PARAMETERS.parse({"day": "2026-11-01", "loose": "3"}, {"count": 4, "loose": 9}) == {
        "day": date(2026, 11, 1),
        "out": Path("out"),
        "count": 4,
        "loose": 3.0,
    }


def test_json_forms_are_accepted_where_values_are() -> None:
    assert PARAMETERS.complete({"day": "2026-11-01"})["day"] == date(2026, 11, 1)


def test_a_missing_parameter_is_named_and_all_are_offered() -> None:
    with pytest.raises(UsageError, match="Flow 'etl' needs the parameter 'day'") as caught:
        PARAMETERS.complete({})
    assert caught.value.hint is not None
    assert "day: 'date'" in caught.value.hint or "day: date" in caught.value.hint


def test_an_unknown_parameter_is_named_and_all_are_offered() -> None:
    with pytest.raises(UsageError, match="Flow 'etl' has no parameter 'dy'") as caught:
        PARAMETERS.parse({"dy": "x"}, {})
    assert "count" in str(caught.value.hint)


def test_a_misfit_names_parameter_expectation_and_value() -> None:
    expected = "Flow 'etl': parameter 'count' must be a whole number; got 'many'."
    with pytest.raises(UsageError) as caught:
        PARAMETERS.parse({"day": "2026-11-01", "count": "many"}, {})
    assert caught.value.message == expected


def test_recorded_parameters_complete_to_the_same() -> None:
    complete = PARAMETERS.complete({"day": date(2026, 11, 1)})
    recorded = PARAMETERS.to_json(complete)
    assert recorded == {"day": "2026-11-01", "out": "out", "count": 3, "loose": 2.5}
    assert PARAMETERS.complete(recorded) == complete


def test_a_default_without_a_json_form_is_left_out_and_a_given_value_refused() -> None:
    marker = object()

    def with_marker(value: Any = marker) -> None: ...

    parameters = Parameters("f", with_marker)
    assert parameters.to_json(parameters.complete({})) == {}
    with pytest.raises(UsageError, match="'value' is a object, which a run cannot record"):
        parameters.to_json(parameters.complete({"value": object()}))


def test_a_call_is_bound_by_name() -> None:
    assert PARAMETERS.from_call((1,), {"count": 2}) == {"day": 1, "count": 2}
    with pytest.raises(UsageError, match="multiple values for argument 'day'"):
        PARAMETERS.from_call((1,), {"day": 2})


def test_a_flow_without_parameters_says_so() -> None:
    with pytest.raises(UsageError) as caught:
        Parameters("f", lambda: None).complete({"x": 1})
    assert caught.value.hint == "It takes no parameters."


def test_parameters_without_a_name_are_refused() -> None:
    def positional(a: int, /) -> None: ...
    def many(*a: int) -> None: ...
    def keywords(**a: int) -> None: ...

    for function, what in (
        (positional, "is positional only"),
        (many, "any number of positional values"),
        (keywords, "any number of keywords"),
    ):
        with pytest.raises(FlowDefinitionError, match=what):
            Parameters("f", function)


def test_an_annotation_that_cannot_be_read_is_told() -> None:
    def broken(a: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(FlowDefinitionError, match=r"annotations cannot be read: .*Missing"):
        Parameters("f", broken).complete({"a": 1})
