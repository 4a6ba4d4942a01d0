"""What ``/openapi.json`` says of answers and fields, held against real answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from dagy_server import Settings, limits
from dagy_server.app import build_app
from dagy_server.field_types import Label, Name, Namespace, Tags

CONTENT = b"an archive"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    """The operations of the description, by their ids."""
    document = build_app().openapi()
    return {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }


def _require_described(operation: Any, answer: Any) -> None:
    described = operation["responses"][str(answer.status_code)]
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    assert (media_type in described["content"]) if media_type else "content" not in described
    for name, header in described["headers"].items():
        assert name in answer.headers or not header["required"], name


@pytest.fixture
def download(client: Any, owner: Any) -> Callable[..., Any]:
    """Download an artifact of ten bytes, with headers."""
    headers = {**owner.headers, "X-Content-SHA256": DIGEST}
    uploaded = client.post("/artifacts", content=CONTENT, headers=headers).json()
    path = f"/artifacts/{uploaded['artifact_id']}"
    return lambda **more: client.get(path, headers={**owner.headers, **more})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Range": "bytes=0-3"}, 206),
        ({"If-None-Match": f'"{DIGEST}"'}, 304),
        ({"Range": "bytes=99-"}, 416),
        ({"Authorization": "Bearer no"}, 401),
    ],
)
def test_every_answer_to_a_download_is_described(
    operations: Any, download: Callable[..., Any], headers: dict[str, str], status: int
) -> None:
    answer = download(**headers)
    assert answer.status_code == status
    _require_described(operations["artifacts.download"], answer)


def test_every_answer_to_a_login_is_described(client: Any, ada: Any, operations: Any) -> None:
    right = {"email": ada.email, "password": "correct horse battery"}
    for change, status in (({}, 200), ({"password": "wrong"}, 401), ({"org_id": "org_no"}, 403)):
        answer = client.post("/auth/login", json={**right, **change})
        assert answer.status_code == status
        _require_described(operations["login"], answer)


def test_a_request_with_headers_that_are_too_large_is_described(
    client: Any, owner: Any, operations: Any
) -> None:
    headers = {**owner.headers, "X-Large": "x" * limits.HEADER_BYTES}
    answer = client.get("/me", headers=headers)
    assert answer.status_code == 431
    _require_described(operations["me"], answer)


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    if "one_request" not in request.fixturenames:
        return settings
    return replace(settings, request_burst=1, requests_per_minute=60)


@pytest.fixture
def one_request() -> None:
    """Whoever wants this has a server that takes one request at a time."""


@pytest.mark.usefixtures("one_request")
def test_who_asks_too_often_is_told_what_the_description_says(
    client: Any, owner: Any, operations: Any
) -> None:
    for status in (200, 429):
        answer = client.get("/me", headers=owner.headers)
        assert answer.status_code == status
        described = operations["me"]["responses"][str(status)]["headers"]
        assert {"X-RateLimit-Limit", "X-RateLimit-Remaining"} <= set(described)
        _require_described(operations["me"], answer)


def test_every_answer_is_described_with_its_request_id_and_the_level_of_the_api(
    operations: Any,
) -> None:
    for name, operation in operations.items():
        for status, answer in operation["responses"].items():
            assert {"X-Request-ID", "Dagy-API-Level"} <= set(answer["headers"]), (name, status)


OAUTH = {
    "oauth_token": "/oauth/token",
    "oauth_device_authorization": "/oauth/device_authorization",
    "oauth_revoke": "/oauth/revoke",
}


@pytest.mark.parametrize("operation", OAUTH)
def test_what_a_form_of_oauth_needs_is_what_the_server_asks_for(
    client: Any, operations: Any, operation: str
) -> None:
    content = operations[operation]["requestBody"]["content"]
    (schema,) = (each["schema"] for each in content.values())
    assert list(content) == ["application/x-www-form-urlencoded"]
    whole = {name: schema["properties"][name].get("enum", ["x"])[0] for name in schema["required"]}
    for missing in schema["required"]:
        form = {name: value for name, value in whole.items() if name != missing}
        answer = client.post(OAUTH[operation], data=form)
        assert answer.status_code == 400
        assert answer.json()["error_description"] == f"There is no {missing}."
        _require_described(operations[operation], answer)
    answer = client.post(OAUTH[operation], data=whole)
    assert answer.json().get("error_description") not in {
        f"There is no {name}." for name in schema["required"]
    }
    _require_described(operations[operation], answer)
    unknown = client.post(OAUTH[operation], data={**whole, "client_id": "another"})
    assert unknown.status_code == 401


TEXTS = [
    "a",
    "a b",
    "é",
    "-",
    "...",
    ".a",
    "",
    ".",
    "..",
    "a/b",
    "a\nb",
    "a\n",
    "\x7f",
    "\x00",
    "/",
]


@pytest.mark.parametrize("kind", [Name, Label, Namespace], ids=["name", "label", "namespace"])
@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_a_name_is_taken_exactly_if_the_description_has_it(kind: Any, text: str) -> None:
    adapter = TypeAdapter(kind)
    assert _takes(adapter, text) is _has(adapter.json_schema(), text)


@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_the_key_of_a_tag_is_taken_exactly_if_the_description_has_it(text: str) -> None:
    adapter = TypeAdapter(Tags)
    assert _takes(adapter, {text: "x"}) is _has(adapter.json_schema()["propertyNames"], text)


def _takes(adapter: TypeAdapter[Any], value: Any) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def _has(schema: Any, text: str) -> bool:
    pattern = re.sub(r"\$$", r"\\Z", schema["pattern"])  # in JSON Schema, $ is the very end
    return len(text) >= schema.get("minLength", 0) and bool(re.search(pattern, text))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"deployment_name": "daily"},
        {"flow_name": "daily"},
        {"flow_name": "daily", "flow_version": "1"},
        {"flow_name": "daily", "deployment_name": None, "flow_version": None},
        {"deployment_name": "daily", "flow_name": None},
        {"deployment_name": "daily", "flow_name": "daily"},
        {"deployment_name": "daily", "flow_version": "1"},
        {"deployment_name": None, "flow_name": None},
    ],
    ids=repr,
)
def test_a_run_is_of_one_thing_as_the_description_says(
    client: Any, owner: Any, new_flow: Any, body: dict[str, str | None]
) -> None:
    new_flow(owner, deployment_name="daily")
    answer = client.post("/runs", json=body, headers=owner.headers)
    schema = build_app().openapi()["components"]["schemas"]["RunRequestBody"]
    fits = sum(_fits(body, each) for each in schema["oneOf"]) == 1
    assert answer.status_code == (201 if fits else 422)


def _fits(body: dict[str, str | None], choice: Any) -> bool:
    types = {"string": str, "null": type(None)}
    return set(choice["required"]) <= set(body) and all(
        isinstance(body[name], types[each["type"]])
        for name, each in choice["properties"].items()
        if name in body
    )


def test_an_address_that_is_none_is_told_in_one_sentence(client: Any, owner: Any) -> None:
    body = {"email": "nobody", "role": "viewer"}
    answer = client.post("/members", json=body, headers=owner.headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "body.email: Not an e-mail address."
