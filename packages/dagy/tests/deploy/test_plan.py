from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dagy.deploy import Archive, TaskChanges, carry_out, plan_deployment
from dagy_types.errors import ConflictError

Packed = Callable[..., Archive]
Writes = Callable[[], list[str]]


def test_a_plan_is_made_without_a_request_that_changes_anything_cli_20(
    client: Any, packed: Packed, writes: Writes
) -> None:
    plan = plan_deployment(client, packed())
    assert writes() == []
    assert (plan.deployment_name, plan.namespace, plan.tags) == ("daily", "", {"team": "data"})
    assert (plan.place, plan.registered, plan.deployed) == (None, None, None)
    assert plan.task_changes == TaskChanges(added=("load",))
    assert not plan.is_done


def test_what_is_deployed_is_done_orch_17(client: Any, packed: Packed, writes: Writes) -> None:
    archive = packed()
    carry_out(client, plan_deployment(client, archive, namespace="a", tags={"env": "prod"}))
    writes()
    for same in ({}, {"namespace": "a"}, {"tags": {"env": "prod"}}, {"usual_namespace": "b"}):
        plan = plan_deployment(client, archive, **same)
        assert plan.is_done
        assert plan.task_changes == TaskChanges()
        assert not carry_out(client, plan).is_changed
    assert writes() == []


@pytest.mark.parametrize("other", [{"tags": {"env": "dev"}}, {"deployment_name": "nightly"}])
def test_other_tags_or_another_name_are_something_to_do(
    client: Any, packed: Packed, writes: Writes, other: dict[str, Any]
) -> None:
    archive = packed()
    carry_out(client, plan_deployment(client, archive))
    writes()
    plan = plan_deployment(client, archive, **other)
    assert not plan.is_done
    carry_out(client, plan)
    assert writes() == ["POST /flows"]
    assert plan_deployment(client, archive, **other).is_done


def test_other_content_under_a_version_is_refused_orch_17(
    client: Any, packed: Packed, writes: Writes
) -> None:
    carry_out(client, plan_deployment(client, packed()))
    writes()
    with pytest.raises(ConflictError, match="with other content") as caught:
        plan_deployment(client, packed(number=2))
    assert caught.value.hint is not None
    assert '@flow(version="2")' in caught.value.hint
    assert writes() == []


def test_a_version_that_was_registered_without_its_archive_is_other_content(
    client: Any, packed: Packed
) -> None:
    archive = packed()
    client.flows.register(archive.flow_spec)
    with pytest.raises(ConflictError, match="with other content"):
        plan_deployment(client, archive)


def test_a_version_stays_in_its_namespace(client: Any, packed: Packed) -> None:
    archive = packed()
    carry_out(client, plan_deployment(client, archive, namespace="a"))
    with pytest.raises(ConflictError, match="in the namespace 'a', and not in 'b'"):
        plan_deployment(client, archive, namespace="b")


def test_tasks_are_compared_with_the_version_that_is_deployed(client: Any, packed: Packed) -> None:
    one, two = packed(), packed(version="2", body="save(load())")
    carry_out(client, plan_deployment(client, one, deployment_name="nightly"))
    carry_out(client, plan_deployment(client, two))
    three = packed(version="3", number=3, body="save(load())")
    plan = plan_deployment(client, three, deployment_name="nightly")
    assert plan.task_changes == TaskChanges(added=("save",), changed=("load",))
    back = plan_deployment(client, one)
    assert back.task_changes == TaskChanges(removed=("save",))
    assert not back.is_done


def test_tasks_are_compared_with_the_newest_version_where_nothing_is_deployed(
    client: Any, packed: Packed
) -> None:
    carry_out(client, plan_deployment(client, packed()))
    plan = plan_deployment(client, packed(version="2", number=2), deployment_name="other")
    assert plan.task_changes == TaskChanges(changed=("load",))
