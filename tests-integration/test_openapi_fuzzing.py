"""SEC-08: whatever is sent to a server, it answers as its description says.

With DAGY_TEST_SEED=random the cases are others each time; the seed is printed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import SystemRandom
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener
from uuid import uuid4

from control_plane import ControlPlane, running_control_plane
from installed import Environment

CASES = 2_000
CASES_AN_OPERATION = 40
SEED = 20_261_101

# What the description calls valid may still be refused, for reasons that no schema can tell: a name
# that is taken, a key that came before with another request.
NOT_OF_THE_DESCRIPTION = "positive_data_acceptance"

NEVER_DONE = {
    "GET /openapi.json": "it is not tried, as it is the description itself",
    "POST /artifacts/uploads": "artifacts are in a directory, and not in S3",
    "POST /auth/logout": "the key that all requests have is no login",
    "POST /oauth/token": "a person has to allow it",
}
"""Operations that this server refuses to whatever is sent, and why."""

USUALLY = 0.8

Values = dict[str, list[str]]


def test_sec_08_no_answer_differs_from_the_description(
    server_environment: Environment, environ: dict[str, str], tmp_path: Path
) -> None:
    seed = SystemRandom().getrandbits(32) if os.environ.get("DAGY_TEST_SEED") else SEED
    report = tmp_path / "report.ndjson"
    with running_control_plane(server_environment, environ, tmp_path / "server") as server:
        settings = tmp_path / "schemathesis.toml"
        settings.write_text(_settings(server, _make_things(server)))
        command: list[str | Path] = [
            *(Path(sys.executable).with_name("st"), "--config-file", settings),
            *("run", f"{server.url}/openapi.json", "--seed", str(seed), "--workers", "2"),
            *("--max-examples", str(CASES_AN_OPERATION), "--continue-on-failure", "--no-shrink"),
            *("--exclude-checks", NOT_OF_THE_DESCRIPTION),
            *("--report", "ndjson", "--report-ndjson-path", report),
        ]
        # The key is read from the environment: arguments can be seen by everybody on a machine.
        variables = {"DAGY_API_KEY": server.api_key, "PYTHONPATH": str(Path(__file__).parent)}
        ended = subprocess.run(
            command,
            cwd=tmp_path,
            env=environ | variables | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=280,
        )
        operations = _operations(server.ask("GET", "/openapi.json")[1])
        assert server.ask("GET", "/ready")[0] == 200
    print(ended.stdout)  # shown if the test fails
    assert ended.returncode == 0, ended.stderr
    assert server.api_key not in ended.stdout
    answers = _answers(report, operations)
    print(f"Seed {seed}", *(f"{name} {dict(counts)}" for name, counts in answers.items()), sep="\n")
    # Who is told to wait learns nothing of an operation, so that is no case.
    assert sum(sum(counts.values()) - counts[429] for counts in answers.values()) >= CASES
    assert {name for name, counts in answers.items() if not _was_done(counts)} == set(NEVER_DONE)


def _was_done(counts: Counter[int]) -> bool:
    return any(200 <= status < 300 for status in counts)


def _answers(report: Path, operations: Iterable[str]) -> dict[str, Counter[int]]:
    """Count the statuses of the answers of each operation; other methods of its path are none."""
    answers: dict[str, Counter[int]] = {name: Counter() for name in operations}
    with report.open() as lines:
        for line in lines:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            for case_id, interaction in recorder.get("interactions", {}).items():
                case = recorder["cases"][case_id]["value"]
                name = f"{case['method']} {case['path']}"
                if name in answers and interaction["response"]:
                    answers[name][interaction["response"]["status_code"]] += 1
    return answers


def _operations(document: Any) -> list[str]:
    return [
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    ]


def _make_things(server: ControlPlane) -> Values:
    """Make some of everything, and return what there is, by the name of its dictionary."""

    def post(path: str, document: Any = None) -> Any:
        status, answer = server.ask("POST", path, document)
        assert status in (200, 201), answer
        return answer

    names = [f"daily-{number}" for number in range(5)]
    for name in names:
        server.deploy(name, "load")
    runs = [post("/runs", {"deployment_name": name})["run_id"] for name in names * 12]
    ended = [post("/runs", {"deployment_name": name})["run_id"] for name in names * 6]
    for run_id in ended:
        post(f"/runs/{run_id}/cancel")
    # Nothing but their tasks is asked for by these ids, so nobody ends them.
    under_way = [post("/runs", {"deployment_name": name})["run_id"] for name in names * 12]
    members = [{"email": f"{number}@example.com", "role": "viewer"} for number in range(20)]
    return {
        "names": names,
        "versions": ["latest"],
        "tasks": ["load"],
        "runs": runs,
        "ended": ended,
        "under_way": under_way,
        "begun": ["RUNNING"],
        "new_ids": [uuid4().hex for _ in range(100)],
        "artifacts": [_upload(server, content) for content in (b"", b"an archive")],
        "ranges": ["bytes=0-3", "bytes=-2", "bytes=99-", "bytes=5-4"],
        "entity_tags": ["*", '"another"'],
        "users": [post("/members", member)["user_id"] for member in members],
        "api_keys": [post("/api-keys", {"name": "a key"})["key_id"] for _ in range(20)],
        "new_emails": [f"{uuid4().hex}@example.com" for _ in range(100)],
    }


def _upload(server: ControlPlane, content: bytes) -> str:
    headers = {
        "Authorization": f"Bearer {server.api_key}",
        "Content-Type": "application/octet-stream",
        "X-Content-SHA256": hashlib.sha256(content).hexdigest(),
    }
    request = Request(f"{server.url}/artifacts", content, headers)
    with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
        return str(json.load(answer)["artifact_id"])


def _cursors(server: ControlPlane, path: str) -> list[str]:
    return [server.ask("GET", f"{path}?limit={limit}")[1]["next_cursor"] for limit in range(1, 5)]


USUAL = {
    "path.run_id": "runs",
    "path.task_id": "tasks",
    "path.name": "names",
    "path.version": "versions",
    "path.artifact_id": "artifacts",
    "path.user_id": "users",
    "path.key_id": "api_keys",
    "header.Range": "ranges",
    "header.if-none-match": "entity_tags",
    "body.flow_name": "names",
    "body.flow_version": "versions",
    "body.deployment_name": "names",
    "body.artifact_id": "artifacts",
}
"""Where in requests the things that there are stand, most of the time."""

LISTS = ("/runs", "/flows", "/deployments", "/members", "/api-keys", "/audit-log")


def _settings(server: ControlPlane, things: Values) -> str:
    """Return the settings of schemathesis: JSON of texts is TOML too."""
    own = {"/runs/{run_id}/retry": {"path.run_id": "ended"}}
    own["/runs/{run_id}/tasks/{task_id}"] = {
        "path.run_id": "under_way",
        "body.status": "begun",  # any other cannot be the first that is told of a task
    }
    own["PUT /runs/{run_id}"] = {"path.run_id": "new_ids"}
    own["/members"] = {"body.email": "new_emails"}
    own["/auth/login"] = {"body.email": "emails", "body.password": "passwords"}
    things = {**things, "emails": [server.email], "passwords": [server.password]}
    for path in LISTS:
        things[f"cursors {path}"] = _cursors(server, path)
        own[path] = {**own.get(path, {}), "query.cursor": f"cursors {path}"}
    lines = ['hooks = "fuzzing_hooks"', 'headers = { Authorization = "Bearer ${DAGY_API_KEY}" }']
    lines += _bindings("parameters", USUAL)
    for name, values in things.items():
        lines += [f"[dictionaries.{json.dumps(name)}]", f"values = {json.dumps(values)}"]
    for operation, places in own.items():
        kind = "name" if " " in operation else "path"
        lines += ["[[operations]]", f"include-{kind} = {json.dumps(operation)}"]
        lines += _bindings("operations.parameters", places)
    return "\n".join(lines)


def _bindings(table: str, places: Mapping[str, str]) -> Iterator[str]:
    yield f"[{table}]"
    for place, name in places.items():
        binding = f"dictionary = {json.dumps(name)}, probability = {USUALLY}"
        yield f"{json.dumps(place)} = {{ {binding} }}"
