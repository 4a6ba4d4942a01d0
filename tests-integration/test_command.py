"""The installed command, as a process."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from installed import FLOWS, ROOT, Dagy

SMALL = FLOWS / "small.py"


def test_the_example_runs_on_real_data_and_says_where_its_report_is(dagy: Dagy) -> None:
    example = ROOT / "packages/dagy/examples/weather.py"
    ended = dagy("run", f"{example}:weather_report")
    assert ended.returncode == 0, ended.stderr
    assert "weather-report/report.md" in ended.stdout
    assert "summarise-4" in ended.stdout
    report = (dagy.directory / "weather-report/report.md").read_text()
    assert "| Jul |" in report
    [run] = dagy.json("runs", "list")
    assert (run["flow_name"], run["status"]) == ("weather_report", "SUCCEEDED")
    tasks = dagy.json("runs", "show", run["run_id"])["tasks"]
    assert {task["status"] for task in tasks} == {"SUCCEEDED"}
    assert "read 1461 days" in dagy("logs", run["run_id"]).stdout


WATCH_FOR_SOCKETS = """
import sys

def look(event, arguments):
    if event.startswith("socket."):
        sys.stderr.write(f"opened a socket: {event}{arguments}\\n")

sys.addaudithook(look)
from dagy_cli.__main__ import run
run()
"""


def test_a_run_opens_no_socket(dagy: Dagy) -> None:
    """ORCH-01."""
    python = dagy.command.parent / "python"
    ended = subprocess.run(
        [python, "-c", WATCH_FOR_SOCKETS, "run", f"{SMALL}:good"],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env=dagy.environ,
        cwd=dagy.directory,
    )
    assert ended.returncode == 0, ended.stderr
    assert "opened a socket" not in ended.stderr
    [run] = dagy.json("runs", "list")
    assert run["status"] == "SUCCEEDED"


def test_the_version_is_that_of_the_sdk(dagy: Dagy) -> None:
    ended = dagy("--version")
    assert re.fullmatch(r"dagy \d+\.\d+\.\d+\n", ended.stdout)


def test_parameters_are_read_by_annotation(dagy: Dagy) -> None:
    ended = dagy("run", f"{SMALL}:good", "--param", "day=2026-12-24")
    assert ended.returncode == 0, ended.stderr
    assert "36" in ended.stdout
    [run] = dagy.json("runs", "list")
    assert run["parameters"] == {"day": "2026-12-24"}


def test_a_failing_flow_exits_with_10_and_says_which_task_failed_and_why(dagy: Dagy) -> None:
    ended = dagy("run", f"{SMALL}:bad")
    assert ended.returncode == 10
    assert "fail" in ended.stderr
    assert "ValueError: cannot work with [1, 11]" in ended.stderr
    assert "Traceback" not in ended.stderr
    [run] = dagy.json("runs", "list")
    assert run["status"] == "FAILED"
    statuses = {
        t["task_id"]: t["status"] for t in dagy.json("runs", "show", run["run_id"])["tasks"]
    }
    assert statuses == {"load": "SUCCEEDED", "fail": "FAILED", "total": "SKIPPED"}
    assert "Traceback" in dagy("logs", run["run_id"], "--task", "fail").stdout


@pytest.mark.parametrize(
    ("target", "parameters", "code", "told"),
    [
        ("missing.py:f", [], 5, "missing.py"),
        (f"{SMALL}:nightly", [], 5, "chatty, good, bad"),
        (f"{SMALL}", [], 2, "chatty, good, bad"),
        (f"{SMALL}:good", ["--param", "day=tomorrow"], 2, "a date such as 2026-11-01"),
        (f"{SMALL}:good", ["--param", "dy=2026-11-01"], 2, "'dy'"),
        (f"{FLOWS / 'slow.py'}:slow", [], 2, "'marker'"),
        ("broken.py:f", [], 2, "broken.py:2"),
        ("loop.py:ping", [], 2, "ping → pong → ping"),
        ("leak.py:second", [], 2, "another run of a flow"),
    ],
)
def test_bad_input_is_told_in_three_lines_with_its_code_and_nothing_is_recorded(
    dagy: Dagy, target: str, parameters: list[str], code: int, told: str
) -> None:
    (dagy.directory / "broken.py").write_text("import os\nraise LookupError('gone')\n")
    (dagy.directory / "loop.py").write_text(
        "from dagy import flow\n@flow\ndef ping():\n    pong()\n@flow\ndef pong():\n    ping()\n"
    )
    (dagy.directory / "leak.py").write_text(
        "from dagy import flow, task\nleaked = []\n@task\ndef one(x=0): ...\n"
        "@flow\ndef first(): leaked.append(one())\n"
        "@flow\ndef second():\n    first.trace({})\n    one(leaked[0])\n"
    )
    ended = dagy("run", target, *parameters)
    assert ended.returncode == code
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) <= 3
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert dagy.json("runs", "list") == []


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_cancels_what_waits_lets_what_runs_finish_and_is_recorded(
    dagy: Dagy, number: signal.Signals, code: int
) -> None:
    marker = dagy.directory / "started"
    parameters = ["--param", f"marker={marker}", "--param", "seconds=1"]
    process = dagy.start("run", f"{FLOWS / 'slow.py'}:slow", *parameters)
    wait_for(marker, process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    [run] = dagy.json("runs", "list")
    assert run["run_id"] in stderr
    assert run["status"] == "CANCELLED"
    statuses = {
        t["task_id"]: t["status"] for t in dagy.json("runs", "show", run["run_id"])["tasks"]
    }
    assert statuses == {"wait": "SUCCEEDED", "after": "CANCELLED"}


def test_a_second_ctrl_c_ends_the_run_now(dagy: Dagy) -> None:
    marker = dagy.directory / "started"
    process = dagy.start("run", f"{FLOWS / 'slow.py'}:slow", "--param", f"marker={marker}")
    wait_for(marker, process)
    process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + 30
    while True:  # the second must not overtake the first
        [run] = dagy.json("runs", "list")
        tasks = dagy.json("runs", "show", run["run_id"])["tasks"]
        if tasks[1]["status"] == "CANCELLED":
            break
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    assert process.returncode == 130
    tasks = dagy.json("runs", "show", run["run_id"])["tasks"]
    assert [task["status"] for task in tasks] == ["CANCELLED", "CANCELLED"]


def test_a_reader_is_never_refused_while_a_run_writes(dagy: Dagy) -> None:
    marker = dagy.directory / "started"
    process = dagy.start("run", f"{FLOWS / 'slow.py'}:slow", "--param", f"marker={marker}")
    wait_for(marker, process)
    try:
        [run] = dagy.json("runs", "list")
        assert run["status"] == "RUNNING"
    finally:
        process.kill()
        process.communicate()


def test_following_logs_ends_with_the_run(dagy: Dagy) -> None:
    marker = dagy.directory / "started"
    parameters = ["--param", f"marker={marker}", "--param", "seconds=1"]
    process = dagy.start("run", f"{FLOWS / 'slow.py'}:slow", *parameters)
    wait_for(marker, process)
    [run] = dagy.json("runs", "list")
    ended = dagy("logs", run["run_id"], "--follow")
    assert ended.returncode == 0, ended.stderr
    assert dagy.json("runs", "show", run["run_id"])["status"] == "SUCCEEDED"
    process.communicate(timeout=30)


@pytest.mark.parametrize("kill_after", [1, 3, 11, 25, 50, 77, 104, 130, 171, 198])
def test_after_kill_9_everything_that_was_built_on_is_recorded(dagy: Dagy, kill_after: int) -> None:
    started = dagy.directory / "started"
    process = dagy.start("run", f"{FLOWS / 'layers.py'}:layers", "--param", f"started={started}")
    while not started.exists() or started.read_bytes().count(b"\n") < kill_after:
        assert process.poll() is None
    process.kill()
    process.communicate()
    [run] = dagy.json("runs", "list")
    assert (run["status"], run["reason"]) == ("FAILED", "crashed")
    tasks = {task["task_id"]: task for task in dagy.json("runs", "show", run["run_id"])["tasks"]}
    # step, step-2, step-3, … in the order of the flow: five to a layer.
    ids = {f"{n // 5}-{n % 5}": task_id for n, task_id in enumerate(tasks)}
    lines = [line.split(" ") for line in started.read_text().splitlines()]
    assert len(lines) >= kill_after
    for name, upstream in lines:
        # The start of a task goes to the record soon, not before the task; all above it did.
        assert tasks[ids[name]]["status"] in ("SUCCEEDED", "FAILED", "PENDING")
        for each in filter(None, upstream.split(",")):
            assert tasks[ids[each]]["status"] == "SUCCEEDED"
            assert tasks[ids[each]]["output_bytes"] == len(json.dumps(each))


def multiply_runs(database: Path, count: int) -> None:
    """Make copies of the only run: recording so many one by one would take its time."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("create temp table copies as select * from runs")
        connection.execute("update copies set status = 'RUNNING'")
        connection.execute(
            "with recursive numbers (n) as (select 1 union all select n + 1 from numbers limit ?)"
            " insert into runs (run_id, flow_name, flow_version, spec_hash, status, reason, error,"
            " parameters, environment, created_at, started_at, ended_at)"
            " select printf('copy-%05d', n), flow_name, flow_version, spec_hash, status, reason,"
            " error, parameters, environment, created_at + n, started_at, ended_at"
            " from copies, numbers",
            (count,),
        )
        connection.execute("update runs set status = 'SUCCEEDED' where status = 'RUNNING'")


@pytest.mark.parametrize("output_format", ["table", "json", "jsonl", "yaml", "csv"])
def test_head_ends_a_listing_of_ten_thousand_without_a_word(dagy: Dagy, output_format: str) -> None:
    """CLI-09"""
    assert dagy("run", f"{SMALL}:chatty").returncode == 0
    [run] = dagy.json("runs", "list")
    multiply_runs(Path(dagy.environ["DAGY_LOCAL_DIR"]) / "dagy.db", 10_000)
    for command in ("runs list --limit 20000", f"logs {run['run_id']}"):
        pipe = f"{dagy.command} {command} --format {output_format} | head -1"
        ended = subprocess.run(
            ["bash", "-c", f"{pipe}; echo ${{PIPESTATUS[@]}}"],
            capture_output=True,
            text=True,
            env=dagy.environ | {"PYTHONUNBUFFERED": "1"},
            timeout=60,
        )
        assert ended.stderr == ""
        first, codes = ended.stdout.splitlines()
        assert first
        assert codes == "0 0"


def test_json_from_a_pipe_is_one_document(dagy: Dagy) -> None:
    assert dagy("run", f"{SMALL}:good").returncode == 0
    script = f"{dagy.command} runs list --format json | python3 -m json.tool"
    ended = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        env=dagy.environ | {"PATH": os.environ["PATH"]},
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)[0]["status"] == "SUCCEEDED"


def test_a_newer_store_is_refused_and_left_alone(dagy: Dagy) -> None:
    assert dagy("run", f"{SMALL}:good").returncode == 0
    database = Path(dagy.environ["DAGY_LOCAL_DIR"]) / "dagy.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("pragma user_version = 99")
    before = database.read_bytes()
    ended = dagy("runs", "list")
    assert ended.returncode == 9
    assert "newer Dagy" in ended.stderr
    assert len(ended.stderr.splitlines()) <= 3
    assert database.read_bytes() == before


def test_a_file_that_is_no_store_is_refused_and_left_alone(dagy: Dagy) -> None:
    directory = Path(dagy.environ["DAGY_LOCAL_DIR"])
    directory.mkdir()
    (directory / "dagy.db").write_text("not a database, but long enough to be read as one\n" * 20)
    before = (directory / "dagy.db").read_bytes()
    ended = dagy("runs", "list")
    assert ended.returncode == 9
    assert "Traceback" not in ended.stderr
    assert (directory / "dagy.db").read_bytes() == before


def test_a_full_disk_is_told_and_loses_nothing_that_was_recorded(dagy: Dagy) -> None:
    assert dagy("run", f"{SMALL}:good").returncode == 0
    [before] = dagy.json("runs", "list")
    tasks_before = dagy.json("runs", "show", before["run_id"])
    ended = subprocess.run(
        ["bash", "-c", f"ulimit -f 200; exec {dagy.command} run {SMALL}:chatty"],  # in KiB
        capture_output=True,
        text=True,
        env=dagy.environ,
        timeout=60,
    )
    assert ended.returncode == 9, ended.stderr
    errors = [line for line in ended.stderr.splitlines() if not line.startswith("line ")]
    announced, *told = errors
    assert announced.startswith("Run ")
    assert "The disk is full" in told[0]
    assert len(told) <= 3
    assert "Traceback" not in ended.stderr
    crashed, first = dagy.json("runs", "list")
    assert (crashed["status"], crashed["reason"]) == ("FAILED", "crashed")
    assert dagy.json("runs", "show", first["run_id"]) == tasks_before
    lines = dagy("logs", crashed["run_id"]).stdout.splitlines()
    assert (
        500 <= len(lines) < 10_000
    )  # what the first task said was recorded before the second began
    assert lines[-1].endswith(f"line {len(lines)}")  # none torn, none missing
    assert dagy("run", f"{SMALL}:chatty").returncode == 0
