"""SEC-08: whatever is sent to a server, it answers as its description says.

With DAGY_TEST_SEED=random the cases are others each time; the seed is printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import SystemRandom

from control_plane import running_control_plane
from installed import Environment

CASES = 2_000
CASES_AN_OPERATION = 20
SEED = 20_261_101

# The key is read from the environment: arguments can be seen by everybody on a machine.
SETTINGS = """
headers = { Authorization = "Bearer ${DAGY_API_KEY}" }
"""

# What the description calls valid may still be refused, for reasons that no schema can tell: a name
# that is taken, a key that came before with another request.
NOT_OF_THE_DESCRIPTION = "positive_data_acceptance"


def test_sec_08_no_answer_differs_from_the_description(
    server_environment: Environment, environ: dict[str, str], tmp_path: Path
) -> None:
    seed = SystemRandom().getrandbits(32) if os.environ.get("DAGY_TEST_SEED") else SEED
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS)
    report = tmp_path / "report.json"
    with running_control_plane(server_environment, environ, tmp_path / "server") as server:
        command: list[str | Path] = [
            *(Path(sys.executable).with_name("st"), "--config-file", settings),
            *("run", f"{server.url}/openapi.json", "--seed", str(seed), "--workers", "2"),
            *("--max-examples", str(CASES_AN_OPERATION), "--continue-on-failure", "--no-shrink"),
            *("--exclude-checks", NOT_OF_THE_DESCRIPTION),
            *("--report", "json", "--report-json-path", report),
        ]
        ended = subprocess.run(
            command,
            cwd=tmp_path,
            env=environ | {"DAGY_API_KEY": server.api_key, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert server.ask("GET", "/ready")[0] == 200
    print(ended.stdout)  # shown if the test fails
    assert ended.returncode == 0, ended.stderr
    assert server.api_key not in ended.stdout
    assert _cases(report) >= CASES


def _cases(report: Path) -> int:
    return int(json.loads(report.read_text())["test_cases"]["generated"])
