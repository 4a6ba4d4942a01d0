"""CLI-04: what a document has, and that it stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dagy_cli.schemas import DOCUMENTS, schema_of
from dagy_client.testing import FakeServer

GOLDEN = Path(__file__).with_name("fields.json")
Require = Callable[[str, Any], None]


def _fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every field of a schema, and its type."""
    choices = schema.get("anyOf", [schema])
    yield path or ".", " or ".join(sorted({each.get("type", "any") for each in choices}))
    for each in choices:
        for name, field in each.get("properties", {}).items():
            yield from _fields(field, f"{path}.{name}")
        if "items" in each:
            yield from _fields(each["items"], f"{path}[]")
        if isinstance(each.get("additionalProperties"), dict):
            yield from _fields(each["additionalProperties"], f"{path}.*")


def test_no_field_goes_or_becomes_another_without_a_new_version() -> None:
    """A field that is new is written down here: python tests/schemas/test_schemas.py."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    now = {
        name: {"version": version, "fields": dict(_fields(schema))}
        for name, (version, schema) in DOCUMENTS.items()
    }
    for name, before in golden.items():
        assert name in now
        if now[name]["version"] == before["version"]:
            assert before["fields"].items() <= now[name]["fields"].items(), name
    assert now == golden


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_schema_is_one_and_says_which(name: str) -> None:
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"dagy.{name}/{DOCUMENTS[name][0]}"


def test_a_schema_is_printed(dagy: Callable[..., Any]) -> None:
    for word in ("runs.list", "dagy.runs.list", "runs list"):
        shown = dagy("schema", word)
        assert (shown.code, shown.err) == (0, "")
        assert json.loads(shown.out) == schema_of("runs.list")


def test_all_names_are_listed(dagy: Callable[..., Any]) -> None:
    assert dagy("schema", "--format", "name").out.split() == list(DOCUMENTS)
    assert dagy("schema").out.startswith("NAME ")


def test_an_unknown_name_is_refused(dagy: Callable[..., Any]) -> None:
    ended = dagy("schema", "runs.sing")
    assert ended.code == 2
    assert ended.err == "error: There is no document 'runs.sing'.\nhint: Run: dagy schema\n"


def test_dry_runs_print_what_is_documented(
    dagy: Callable[..., Any], flow_file: Path, deployed: FakeServer, require_documented: Require
) -> None:
    target = f"{flow_file}:good"
    planned = dagy("build", target, "--dry-run", "--format", "json")
    require_documented("build.dry-run", json.loads(planned.out))
    archive = str(flow_file.with_name("good.zip"))
    assert dagy("build", target, "-o", archive).code == 0
    planned = dagy("deploy", archive, "--dry-run", "--format", "json")
    require_documented("deploy.dry-run", json.loads(planned.out))


def test_a_run_that_nobody_waits_for_is_printed_as_documented(
    dagy: Callable[..., Any], deployed: FakeServer, require_documented: Require
) -> None:
    started = dagy("run", "nightly", "--detach", "--format", "json")
    require_documented("run.detached", json.loads(started.out))


def test_a_failed_run_and_a_mapped_one_are_as_documented(
    dagy: Callable[..., Any], flow_file: Path, require_documented: Require
) -> None:
    failed = dagy("run", f"{flow_file}:failing", "--format", "json")
    assert failed.code == 10
    document = json.loads(failed.out)
    require_documented("run", document)
    logs = dagy("logs", document["run_id"], "--format", "jsonl").out
    require_documented("logs", [json.loads(line) for line in logs.splitlines()])
    good = json.loads(dagy("run", f"{flow_file}:good", "--format", "json").out)
    differ = dagy("runs", "diff", document["run_id"], good["run_id"], "--format", "json")
    assert differ.code == 8
    require_documented("runs.diff", json.loads(differ.out))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("runs", "show", "absent"), 5),
        (("runs", "list", "--status", "nice"), 2),
        (("run", "absent.py:flow"), 5),
    ],
)
def test_cli_05_errors_are_as_documented(
    dagy: Callable[..., Any], require_documented: Require, words: tuple[str, ...], code: int
) -> None:
    ended = dagy(*words, "--format", "json")
    assert (ended.code, ended.out) == (code, "")
    document = json.loads(ended.err.splitlines()[-1])
    require_documented("error", document)
    assert document["error"]["exit_code"] == code


if __name__ == "__main__":
    FIELDS = {
        name: {"version": version, "fields": dict(_fields(schema))}
        for name, (version, schema) in DOCUMENTS.items()
    }
    GOLDEN.write_text(json.dumps(FIELDS, indent=1) + "\n", encoding="utf-8")
