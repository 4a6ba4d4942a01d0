"""Fixtures: the command, in this process and as one of its own, over a local directory in tmp."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import FileStore, TokenSet
from dagy_auth.testing import FakeProvider
from dagy_cli.main import main
from dagy_cli.schemas import schema_of
from dagy_client.testing import FakeServer
from dagy_store import LocalMetadataStore
from dagy_types import (
    FailureReason,
    FlowSpec,
    LogRecord,
    Output,
    Run,
    RunEnd,
    RunProgress,
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)

FLOWS = """
from pathlib import Path
from dagy import flow, task

@task
def one(number: int) -> int:
    print("one is printing")
    return number

@task
def two(number: int) -> int:
    return number + 1

@task
def broken(number: int) -> int:
    raise ValueError("boom")

@flow
def good(number: int = 1) -> int:
    return two(one(number))

@task
def needs_file(path: str) -> None:
    assert Path(path).exists()

@flow
def failing(number: int = 1) -> int:
    return two(broken(one(number)))

@flow
def mending(path: str) -> None:
    needs_file(path)
"""

WAITING_FLOW = """
import time
from pathlib import Path
from dagy import flow, task

@task
def waits(until: str) -> str:
    Path(until + ".started").touch()
    while not Path(until).exists():
        time.sleep(0.01)
    return until

@task
def after(until: str) -> None:
    pass

@flow
def waiting(until: str) -> None:
    after(waits(until))
"""

MOMENT = datetime(2026, 11, 1, 8, 0, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_reaches_children() -> None:
    """Background jobs of a shell have SIGINT ignored, and hand that on to what they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def local_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the home directory and from the settings of whoever runs it."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("DAGY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BROWSER", "none")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("DAGY_LOCAL_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def dagy(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command in this process."""

    def run(*words: str) -> Ended:
        code = main(list(words))
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    """The server, which is its own provider; no profile is needed to find it."""
    with FakeProvider() as provider:
        monkeypatch.setenv("DAGY_API_URL", provider.issuer)
        yield provider


@pytest.fixture
def api_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A server of the whole API at a port of this machine, and a token for it."""
    server = FakeServer()
    with server.listening() as url:
        monkeypatch.setenv("DAGY_API_URL", url)
        monkeypatch.setenv("DAGY_TOKEN", "dagy_at_fake")
        yield server


@pytest.fixture
def deployed(api_server: FakeServer) -> FakeServer:
    """A server with the deployment ``nightly`` of a flow of one task."""
    spec = FlowSpec(name="daily", version="1", tasks=(TaskSpec(task_id="load", name="load"),))
    with api_server.client() as client:
        client.flows.register(spec, deployment_name="nightly")
    return api_server


@pytest.fixture
def carried_out(deployed: FakeServer) -> Callable[..., AbstractContextManager[None]]:
    """Be the worker of the runs that are triggered meanwhile: each logs lines and ends."""

    @contextmanager
    def carried_out(
        status: RunStatus = RunStatus.SUCCEEDED,
        *,
        reason: FailureReason | None = None,
        lines: Sequence[str] = ("loading",),
    ) -> Iterator[None]:
        end = RunEnd(status=status, reason=reason, ended_at=datetime.now(timezone.utc))
        is_over = threading.Event()

        def work() -> None:
            with deployed.client() as client:
                while not is_over.wait(0.01):
                    for run in list(client.runs.list(status=RunStatus.QUEUED)):
                        client.runs.report(run.run_id, _progress(run, lines))
                        client.runs.report(run.run_id, RunProgress(end=end))

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    return carried_out


def _progress(run: Run, lines: Sequence[str]) -> RunProgress:
    now = datetime.now(timezone.utc)
    done = TaskRun(
        run_id=run.run_id, task_id="load", name="load", status=TaskStatus.SUCCEEDED, attempt=1
    )
    logs = [
        LogRecord(
            run_id=run.run_id,
            at=now,
            level="INFO",
            logger="stdout",
            message=line,
            task_id="load",
            attempt=1,
        )
        for line in lines
    ]
    return RunProgress(started_at=now, task_runs=(done,), logs=tuple(logs))


@pytest.fixture
def config(local_dir: Path) -> Callable[[str], Path]:
    """Write the file of profiles."""

    def write(text: str) -> Path:
        local_dir.mkdir(mode=0o700, exist_ok=True)
        path = local_dir / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def stored(provider: FakeProvider, local_dir: Path) -> Callable[..., TokenSet]:
    """Store a login in the file that is good for so long; ``None`` when nobody knows."""

    def store(name: str = "default", *, seconds: float | None = 3600, **changes: Any) -> TokenSet:
        now = datetime.now(timezone.utc)
        expires_at = None if seconds is None else now + timedelta(seconds=seconds)
        tokens = replace(provider.new_tokens(), **{"expires_at": expires_at, **changes})
        FileStore(local_dir / "credentials.json").save(name, tokens)
        return tokens

    return store


@pytest.fixture
def keyring_entries() -> Iterator[dict[str, str]]:
    """What the keyring of this process has; with "broken" among it, it takes nothing more."""
    import keyring
    from keyring.backend import KeyringBackend

    entries: dict[str, str] = {}

    class Double(KeyringBackend):
        name = "Double"
        priority = 1  # type: ignore[assignment]

        def get_password(self, service: str, username: str) -> str | None:
            return entries.get(username)

        def set_password(self, service: str, username: str, password: str) -> None:
            if "broken" not in entries or username.startswith("probe"):
                entries[username] = password

        def delete_password(self, service: str, username: str) -> None:
            if "broken" in entries and not username.startswith("probe"):
                raise RuntimeError("refused")
            del entries[username]

    before = keyring.get_keyring()
    keyring.set_keyring(Double())
    yield entries
    keyring.set_keyring(before)


@pytest.fixture
def give_stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a text where the command reads its input from."""

    def give(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return give


@pytest.fixture
def require_documented() -> Callable[[str, Any], None]:
    """Refuse a document that is not as its schema says, or has a field that it does not say."""
    from jsonschema import Draft202012Validator

    def closed(schema: Any) -> Any:
        if isinstance(schema, list):
            return [closed(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        inner = {key: closed(each) for key, each in schema.items()}
        return {"additionalProperties": False, **inner} if "properties" in schema else inner

    def require(name: str, document: Any) -> None:
        checker = Draft202012Validator.FORMAT_CHECKER
        Draft202012Validator(closed(schema_of(name)), format_checker=checker).validate(document)

    return require


@pytest.fixture
def metadata_dir(tmp_path: Path) -> Path:
    """A directory with the metadata of an installed `dagy`, whatever else is installed."""
    info = tmp_path / "site" / "dagy-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: dagy\nVersion: 0.1.0\n")
    return info.parent


@pytest.fixture
def command_line() -> Callable[..., list[str]]:
    """Return the real command with arguments, for `subprocess`."""
    return lambda *words: [sys.executable, "-m", "dagy_cli", *words]


@pytest.fixture
def process(
    command_line: Callable[..., list[str]],
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command as a process of its own, with pipes for its streams."""

    def run(
        *words: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line(*words),
            env={**os.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process that cannot outlive its test, nor half a minute."""
    with ExitStack() as stack:

        def start(command: list[str], **settings: Any) -> subprocess.Popen[str]:
            started = stack.enter_context(subprocess.Popen(command, text=True, **settings))
            limit = threading.Timer(30, started.kill)
            limit.start()
            stack.callback(started.kill)
            stack.callback(limit.cancel)
            return started

        yield start


@pytest.fixture
def on_terminal(
    command_line: Callable[..., list[str]], spawn: Callable[..., subprocess.Popen[str]]
) -> Callable[..., bytes]:
    """Run the command with a terminal for its stderr and return what it wrote there.

    It must succeed and write no escapes to its stdout, a pipe. ``when`` is called with what has
    been written so far, each time that there is more.
    """

    def run(*words: str, when: Callable[[bytes], None]) -> bytes:
        main_end, end = pty.openpty()
        environ = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
        command = command_line(*words)
        running = spawn(command, stdout=subprocess.PIPE, stderr=end, env=environ)
        os.close(end)
        seen = b""
        while new := _read(main_end):
            seen += new
            when(seen)
        os.close(main_end)
        out, _ = running.communicate(timeout=30)
        assert running.returncode == 0
        assert "\x1b" not in out
        return seen

    return run


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux tells that the other end is closed
        return b""


@pytest.fixture
def wait_for() -> Callable[[Callable[[], Any]], None]:
    """Wait until a condition holds, for half a minute at most."""

    def wait(condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)

    return wait


@pytest.fixture
def waiting_flow(tmp_path: Path) -> Path:
    """A file with a flow whose first task goes on until the file ``until`` exists."""
    path = tmp_path / "waiting.py"
    path.write_text(WAITING_FLOW)
    return path


@pytest.fixture
def flow_file(tmp_path: Path) -> Path:
    path = tmp_path / "flows.py"
    path.write_text(FLOWS)
    return path


@pytest.fixture
def store(local_dir: Path) -> Iterator[LocalMetadataStore]:
    with LocalMetadataStore(local_dir) as store:
        yield store


@pytest.fixture
def add_run(store: LocalMetadataStore) -> Callable[..., str]:
    """Record a run of two tasks, ``load`` and ``report``, that failed in the second."""

    def add(
        run_id: str = "run1",
        *,
        flow_name: str = "daily",
        status: RunStatus = RunStatus.FAILED,
        reason: FailureReason | None = None,
        created_at: datetime = MOMENT,
        message: str = "rows: 3",
    ) -> str:
        spec = FlowSpec(
            name=flow_name,
            tasks=(
                TaskSpec(task_id="load", name="load"),
                TaskSpec(task_id="report", name="report", depends_on=("load",)),
            ),
        )
        store.create_run(
            Run(
                run_id=run_id,
                flow_name=flow_name,
                flow_version="latest",
                status=RunStatus.RUNNING,
                created_at=created_at,
                started_at=created_at,
                parameters={"day": "2026-11-01", "tags": ["a", "b"]},
            ),
            spec,
        )
        at = [created_at + timedelta(seconds=n) for n in range(5)]
        store.record_tasks(run_id, [TaskTransition("load", TaskStatus.RUNNING, at[0], 1)])
        store.record_tasks(run_id, [TaskTransition("load", TaskStatus.SUCCEEDED, at[1], 1)])
        store.record_tasks(run_id, [TaskTransition("report", TaskStatus.RUNNING, at[1], 1)])
        store.record_tasks(run_id, [TaskTransition("report", TaskStatus.FAILED, at[3], 1, "Boom")])
        store.append_logs(
            run_id,
            [
                LogRecord(
                    run_id=run_id,
                    at=at[1],
                    level="INFO",
                    logger="dagy.task",
                    message=message,
                    task_id="load",
                    attempt=1,
                ),
                LogRecord(
                    run_id=run_id, at=at[3], level="ERROR", logger="dagy.engine", message="Boom"
                ),
            ],
        )
        error = None if status is RunStatus.SUCCEEDED else "Task 'report' failed: Boom"
        store.finish_run(run_id, RunEnd(status=status, ended_at=at[4], reason=reason, error=error))
        return run_id

    return add


@pytest.fixture
def make_task() -> Callable[..., TaskRun]:
    """Make the record of a task; it has the name of its mapped task, if it is a child."""

    def make(
        task_id: str, status: TaskStatus = TaskStatus.SUCCEEDED, *, run_id: str = "r1", **more: Any
    ) -> TaskRun:
        name = task_id.partition("[")[0]
        return TaskRun(run_id=run_id, task_id=task_id, name=name, status=status, **more)

    return make


@pytest.fixture
def add_mapped_run(store: LocalMetadataStore) -> Callable[..., str]:
    """Record a run of ``load`` and of ``step``, mapped, of whose children the last ones fail."""

    def add(
        run_id: str = "mapped1",
        *,
        children: int = 3,
        failures: int = 1,
        value: bytes = b"1",
        **run_fields: Any,
    ) -> str:
        run = Run(
            run_id=run_id,
            flow_name="daily",
            flow_version="latest",
            status=RunStatus.RUNNING,
            created_at=MOMENT,
            started_at=MOMENT,
            **run_fields,
        )
        spec = FlowSpec(
            name="daily",
            tasks=(
                TaskSpec(task_id="load", name="load", code_hash="1" * 64),
                TaskSpec(task_id="step", name="step", depends_on=("load",), is_mapped=True),
            ),
        )
        store.create_run(run, spec)
        for transitions in _mapped_transitions(children, failures, value):
            store.record_tasks(run_id, transitions)
        said = ("load", "step[0]", f"step[{children - 1}]")
        store.append_logs(
            run_id,
            [
                LogRecord(
                    run_id=run_id,
                    at=MOMENT,
                    level="INFO",
                    logger="dagy.task",
                    message=f"here is {task_id}",
                    task_id=task_id,
                    attempt=1,
                )
                for task_id in said
            ],
        )
        status, error = RunStatus.SUCCEEDED, None
        if failures:
            status, error = RunStatus.FAILED, "Task 'step' failed: Boom"
        end = MOMENT + timedelta(seconds=4)
        store.finish_run(run_id, RunEnd(status=status, ended_at=end, error=error))
        return run_id

    return add


def _mapped_transitions(
    children: int, failures: int, value: bytes
) -> Iterator[list[TaskTransition]]:
    start, middle, end = (MOMENT + timedelta(seconds=n) for n in (0, 1, 3))
    output = Output(value, "json")
    yield [
        TaskTransition("load", TaskStatus.RUNNING, start, 1),
        TaskTransition("load", TaskStatus.SUCCEEDED, middle, 1, output=output),
        TaskTransition("step", TaskStatus.RUNNING, middle, 1, map_size=children),
    ]
    ids = [f"step[{index}]" for index in range(children)]
    yield [TaskTransition(task_id, TaskStatus.RUNNING, middle, 1) for task_id in ids]
    done = children - failures
    yield [TaskTransition(each, TaskStatus.SUCCEEDED, end, 1, output=output) for each in ids[:done]]
    yield [TaskTransition(each, TaskStatus.FAILED, end, 1, "Boom") for each in ids[done:]]
    status = TaskStatus.FAILED if failures else TaskStatus.SUCCEEDED
    yield [TaskTransition("step", status, end, 1, "Boom" if failures else None)]
