from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

from dagy_types import (
    AccessToken,
    Account,
    ApiKey,
    ArtifactInfo,
    ComponentHealth,
    Deployment,
    FlowVersion,
    Health,
    LoginRequest,
    NewApiKey,
)


def test_secrets_are_not_in_a_repr() -> None:
    assert "s3cret" not in repr(NewApiKey(key_id="k1", key="s3cret"))
    assert "s3cret" not in repr(AccessToken(access_token="s3cret"))


@pytest.mark.parametrize(
    ("kind", "required"),
    [
        (AccessToken, {"access_token"}),
        (Account, {"user_email"}),
        (ApiKey, {"key_id"}),
        (NewApiKey, {"key_id", "key"}),
        (ArtifactInfo, {"artifact_id", "sha256", "size_bytes"}),
        (ComponentHealth, {"name", "status"}),
        (Deployment, {"deployment_name", "flow_name"}),
        (FlowVersion, {"flow_name"}),
        (Health, {"status"}),
    ],
)
def test_a_server_may_leave_out_all_but_what_tells_one_from_another(
    kind: type, required: set[str]
) -> None:
    without_default = {
        each.name
        for each in fields(kind)
        if each.default is MISSING and each.default_factory is MISSING
    }
    assert without_default == required


def test_a_login_does_not_show_its_password() -> None:
    assert "s3cret" not in repr(LoginRequest(email="ada@example.org", password="s3cret"))
