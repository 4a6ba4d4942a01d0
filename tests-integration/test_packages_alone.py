"""Each package works with nothing but what it declares to need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from installed import Environment, run

PROGRAMS = {
    "dagy-types": """
from dagy_types import FlowSpec, TaskSpec, flow_spec_from_json, flow_spec_to_json

spec = FlowSpec(name="etl", tasks=(TaskSpec(task_id="load", name="load"),), outputs=("load",))
assert flow_spec_from_json(flow_spec_to_json(spec)) == spec
print(spec.content_hash[:8])
""",
    "dagy-store": """
from datetime import datetime, timezone
from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, Run, RunEnd, RunStatus

now = datetime.now(timezone.utc)
with LocalMetadataStore() as store:
    run = Run(
        run_id="r1", flow_name="etl", flow_version="1", status=RunStatus.RUNNING, created_at=now
    )
    store.create_run(run, FlowSpec(name="etl"))
    store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=now))
with LocalMetadataStore() as store:
    print(store.get_run("r1").status)
""",
    "dagy": """
from dagy import flow, task

@task
def double(number: int) -> int:
    return 2 * number

@flow
def doubled(number: int = 21) -> int:
    return double(number)

result = doubled.run_local(max_workers=2)
print(result.status, result.result())
""",
}

PRINTED = {"dagy-types": None, "dagy-store": "SUCCEEDED", "dagy": "SUCCEEDED 42"}

NEEDS = {
    "dagy-types": {"dagy-types"},
    "dagy-store": {"dagy-types", "dagy-store"},
    "dagy": {"dagy-types", "dagy-store", "dagy"},
}


@pytest.mark.parametrize("distribution", PROGRAMS)
def test_a_package_does_something_real_with_only_what_it_declares(
    distribution: str,
    make_environment: Callable[[str], Environment],
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    environment = make_environment(distribution)
    program = tmp_path / "program.py"
    program.write_text(PROGRAMS[distribution])
    printed = run([environment.python, "-W", "error", program], env=environ, cwd=tmp_path).stdout
    assert PRINTED[distribution] in (None, printed.strip())
    assert environment.distributions == NEEDS[distribution]
