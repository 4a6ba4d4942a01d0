"""Models of pydantic as parameters, arguments and outputs."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import pytest
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, RootModel, field_validator

from dagy._argument_check import ArgumentCheck
from dagy._call_signature import CallSignature
from dagy._conversion import convert, parse, to_json
from dagy._mismatch import Mismatch
from dagy._parameters import Parameters
from dagy._serializer import JsonSerializer
from dagy_types.errors import ArtifactError, UsageError

JSON = JsonSerializer()


class Source(BaseModel):
    path: Path
    tags: frozenset[str] = frozenset()


class Settings(BaseModel):
    day: date
    rows: int = 10
    price: Decimal = Decimal("0.10")
    sources: list[Source] = []
    _seen: int = PrivateAttr(default=0)


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)
    day: date


class Renamed(BaseModel):
    class_: str = Field(alias="class")


class Forgetful(BaseModel):
    secret: str = Field(default="", exclude=True)


class Names(RootModel[list[str]]):
    pass


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Grumpy(BaseModel):
    x: int

    @field_validator("x")
    @classmethod
    def check(cls, value: int) -> int:
        if value == 1:
            raise ValueError("not\nthat one")
        return {2: 2}[value]


DAY = date(2026, 11, 1)
SETTINGS = Settings(day=DAY, sources=[Source(path=Path("a"), tags=frozenset({"x", "y"}))])
MODELS = [
    SETTINGS,
    Strict(day=DAY),
    Renamed(**{"class": "first"}),
    Names(["a", "b"]),
    Open(more=[1, 2]),
]


def run(settings: Settings, maybe: Optional[Settings] = None) -> None:  # noqa: UP045
    ...


PARAMETERS = Parameters("etl", run)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_parameter_is_recorded_as_json_from_which_the_annotation_makes_it_again(
    model: BaseModel,
) -> None:
    kind = type(model)
    assert convert(kind, to_json(kind, model)) == model
    assert convert(list[kind], to_json(list[kind], [model])) == [model]  # type: ignore[valid-type]


def test_json_text_and_dictionaries_become_the_model() -> None:
    text = '{"day": "2026-11-01", "rows": 3, "sources": [{"path": "a"}]}'
    expected = Settings(day=DAY, rows=3, sources=[Source(path=Path("a"))])
    assert parse(Settings, text) == expected
    assert convert(Settings, {"day": DAY, "rows": 3, "sources": [{"path": "a"}]}) == expected
    assert convert(Settings, expected) is expected
    assert PARAMETERS.parse({"settings": text, "maybe": "none"}, {})["settings"] == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '{"day": "2026-11-01", "rows": "many"}',
            r"must be a Settings; at rows: Input should be a valid integer.*; got 'many'\.",
        ),
        (
            '{"day": "x", "sources": [{"path": 1}]}',
            r"must be a Settings; at day: Input should be a valid date.*; got 'x' \(and 1 more\)\.",
        ),
        ("{}", r"must be a Settings; at day: Field required; got \{\}\."),
        ("[]", r"must be a Settings; Input should be .*; got \[\]\."),
        ("x", r"must be a Settings as JSON; got 'x'\."),
    ],
)
def test_a_misfit_names_parameter_field_expectation_and_value_in_one_line(
    text: str, told: str
) -> None:
    with pytest.raises(UsageError, match=f"^Flow 'etl': parameter 'settings' {told}$"):
        PARAMETERS.parse({"settings": text}, {})


def test_a_misfit_in_an_optional_model_names_the_field() -> None:
    with pytest.raises(Mismatch, match="must be a Settings; at rows: "):
        convert(Optional[Settings], {"day": DAY, "rows": "many"})  # noqa: UP045


def test_a_validator_may_raise_anything() -> None:
    with pytest.raises(Mismatch, match=r"at x: Value error, not that one; got 1$"):
        convert(Grumpy, {"x": 1})
    with pytest.raises(Mismatch, match=r"must be a Grumpy; its validation raised KeyError\(3\)"):
        convert(Grumpy, {"x": 3})


def test_a_parameter_that_its_json_form_does_not_restore_is_refused_with_a_remedy() -> None:
    def forget(value: Forgetful) -> None: ...

    parameters = Parameters("f", forget)
    with pytest.raises(UsageError, match="does not restore; pass plain values"):
        parameters.to_json({"value": Forgetful(secret="x")})
    assert parameters.to_json({"value": Forgetful()}) == {"value": {}}


def test_a_model_without_its_annotation_cannot_be_recorded() -> None:
    with pytest.raises(Mismatch, match="unless it is annotated"):
        to_json(Any, SETTINGS)


@pytest.mark.parametrize(
    "model", [*MODELS, Forgetful(secret="x")], ids=lambda model: type(model).__name__
)
def test_a_model_is_an_output_that_comes_back_equal(model: BaseModel) -> None:
    restored = JSON.decode(JSON.encode([model]))[0]
    assert restored == model
    assert restored.model_fields_set == model.model_fields_set


def test_what_a_model_holds_besides_its_fields_comes_back_too() -> None:
    settings = SETTINGS.model_copy()
    settings._seen = 3
    assert JSON.decode(JSON.encode(settings))._seen == 3


def test_a_model_that_is_not_found_by_its_name_is_refused_as_an_output() -> None:
    class Local(BaseModel):
        x: int

    with pytest.raises(ArtifactError, match="its class is not found by that name"):
        JSON.encode(Local(x=1))


def test_a_model_that_holds_what_json_cannot_is_refused_as_an_output() -> None:
    with pytest.raises(ArtifactError, match="type object cannot be recorded"):
        JSON.encode(Open(more=object()))


def test_a_task_argument_must_be_the_model_and_the_error_says_how_to_make_it() -> None:
    check = ArgumentCheck("load", run, CallSignature(run))
    check.require((SETTINGS,), {"maybe": None})
    with pytest.raises(UsageError, match=r"'settings' must be Settings; got \{\}") as caught:
        check.require(({},), {})
    assert "Pass Settings(**values)" in str(caught.value.hint)


def test_nothing_imports_pydantic_for_flows_without_models() -> None:
    program = """
import sys
from dagy._conversion import convert, to_json
from dagy._serializer import JsonSerializer
from dagy_types.errors import ArtifactError
convert(list[int], [1]), to_json(int, 1)
class Handmade: pass
try:
    JsonSerializer().encode(Handmade())
except ArtifactError:
    print("pydantic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
