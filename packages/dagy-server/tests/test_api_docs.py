from __future__ import annotations

from typing import Any

from dagy_server.api_docs import operations_of


def test_people_can_read_what_there_is_without_anything_from_elsewhere(client: Any) -> None:
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    for text in ("POST /runs", "Needs <code>runs.trigger</code>", "flow_name", "Idempotency-Key"):
        assert text in answer.text
    assert "<script" not in answer.text
    assert "http://" not in answer.text.replace("http://127.0.0.1:8000", "")


def test_an_operation_has_its_parameters_and_the_fields_of_its_body(client: Any) -> None:
    operations = list(operations_of(client.get("/openapi.json").json()))
    group, trigger = next(
        each for each in operations if (each[1].method, each[1].path) == ("POST", "/runs")
    )
    assert group == "runs"
    assert ("flow_name", False) in trigger.fields
    _, key = next(each for each in operations if each[1].text.startswith("Make a key"))
    assert ("name", True) in key.fields
    assert [name for name, _ in key.parameters] == ["Idempotency-Key"]
    assert key.permission == "api_keys.write"
