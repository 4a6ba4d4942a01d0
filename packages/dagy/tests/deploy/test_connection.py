from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from dagy.deploy._connection import connected
from dagy_types.errors import ConfigError, DagyError, NotLoggedInError


@pytest.mark.parametrize(
    ("environ", "given", "error", "hint"),
    [
        ({"DAGY_TOKEN": "t"}, {}, ConfigError, "DAGY_API_URL"),
        ({"DAGY_API_URL": "http://127.0.0.1:1"}, {}, NotLoggedInError, "DAGY_TOKEN"),
        ({"DAGY_TOKEN": "", "DAGY_API_URL": ""}, {"auth": "t"}, ConfigError, "DAGY_API_URL"),
    ],
)
def test_what_is_missing_is_told(
    environ: Mapping[str, str], given: dict[str, str], error: type[DagyError], hint: str
) -> None:
    settings = {"api_url": None, "auth": None, **given}
    with pytest.raises(error) as caught, connected(**settings, environ=environ):  # type: ignore[arg-type]
        pass
    assert hint in (caught.value.hint or "")


def test_without_the_client_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['dagy_client'] = None\n"
        "from dagy import flow, task\n"
        "from dagy_types.errors import UsageError\n"
        "@flow\n"
        "def daily(): pass\n"
        "try: daily.deploy()\n"
        "except UsageError as error: print(error.message, error.hint)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Deploying needs the package dagy-client" in ended.stdout
    assert "pip install 'dagy[deploy]'" in ended.stdout


def test_who_does_not_deploy_does_not_pay_for_it() -> None:
    code = (
        "import sys, dagy, dagy.building, dagy.artifacts, dagy.deploy\n"
        "print(sorted({'dagy_client', 'httpx', 'pydantic'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
