from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy.artifacts import open_artifact
from dagy_cli.parser import FORMATS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

FLOW = """
from dagy import flow, task
print("import")

@task
def step(number):
    raise RuntimeError("a task was run")

@flow(version="2")
def chain(length: int = 2) -> None:
    print("body")
    last = 0
    for _ in range(length):
        last = step(last)
"""


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "sql").mkdir(parents=True)
    (root / "chain.py").write_text(FLOW)
    (root / "requirements.txt").write_text("requests>=2\n")
    (root / "sql/load.sql").write_text("select 1;\n")
    (root / "sql/tls.key").write_text("made up")
    return root / "chain.py"


def test_an_artifact_is_written_to_builds_and_described(
    dagy: Callable[..., Any], chain: Path, local_dir: Path
) -> None:
    ended = dagy("build", f"{chain}:chain")
    assert ended.code == 0
    (path,) = (local_dir / "builds").iterdir()
    lines = dict(line.split(":", 1) for line in ended.out.splitlines())
    fields = {name: value.strip() for name, value in lines.items()}
    with open_artifact(path) as artifact:
        assert fields == {
            "Artifact": str(path),
            "Flow": "chain (version 2)",
            "Files": "2",
            "Size": fields["Size"],
            "Requirements": "requirements.txt",
            "Content hash": artifact.manifest.content_hash,
            "SHA-256": artifact.sha256(),
        }
        assert len(artifact.flow_spec.tasks) == 2
    assert not (local_dir / "dagy.db").exists()


def test_the_document_has_all_of_it(
    dagy: Callable[..., Any], chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["build", str(chain), "-o", "out.zip", "--param", "length=1", "--include", "sql/*.sql"]
    document = json.loads(dagy(*words, "--format", "json").out)
    with open_artifact(tmp_path / "out.zip") as artifact:
        artifact.verify(sha256=document["sha256"])
        assert len(artifact.flow_spec.tasks) == 1
        assert document["content_hash"] == artifact.manifest.content_hash
    assert document["path"] == str(tmp_path / "out.zip")
    assert document["size_bytes"] == (tmp_path / "out.zip").stat().st_size
    assert document["requirements"] == ["requirements.txt"]
    assert [each["path"] for each in document["files"]] == [
        "chain.py",
        "requirements.txt",
        "sql/load.sql",
    ]


def test_a_dry_run_lists_the_files_with_sizes_and_writes_nothing(
    dagy: Callable[..., Any], chain: Path, local_dir: Path, tmp_path: Path
) -> None:
    """SEC-13."""
    before = sorted(tmp_path.rglob("*"))
    ended = dagy("build", str(chain), "--dry-run", "--include", "sql")
    assert ended.code == 0
    size = len(FLOW)
    assert ended.out.splitlines() == [
        "FILE              SIZE",
        f"chain.py          {size} bytes",
        "requirements.txt  12 bytes",
        "sql/load.sql      10 bytes",
    ]
    *_, left_out, last = ended.err.splitlines()
    assert left_out == "Left out: sql/tls.key (a file that may hold secrets)"
    assert last.startswith(f"3 files, {size + 22} bytes. Nothing is written; without --dry-run it")
    assert "/state/builds/chain-2-" in last
    after = [path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts]
    assert sorted(after) == before


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_dry_run_lists_the_same_in_every_format(
    dagy: Callable[..., Any], chain: Path, output_format: str
) -> None:
    printed = dagy("build", str(chain), "--dry-run", "--format", output_format).out
    assert re.findall(r"chain\.py|requirements\.txt", printed) == ["chain.py", "requirements.txt"]
    if output_format == "csv":
        assert next(csv.reader(io.StringIO(printed))) == ["path", "size_bytes", "sha256"]


def test_what_the_flow_prints_goes_to_stderr(process: Callable[..., Any], chain: Path) -> None:
    ended = process("build", str(chain), "--format", "json")
    assert json.loads(ended.stdout)["flow_name"] == "chain"
    assert ended.stderr.splitlines() == ["import", "body"]


def test_a_secret_ends_the_build_unless_it_is_allowed(
    dagy: Callable[..., Any], chain: Path, local_dir: Path
) -> None:
    """SEC-13."""
    (chain.parent / "aws.py").write_text("key = 'AKIA" + "Q7Z3" * 4 + "'\n")
    for words in (["build", str(chain)], ["build", str(chain), "--dry-run"]):
        ended = dagy(*words)
        assert (ended.code, ended.out) == (9, "")
        assert "aws.py seems to hold a secret: line 1 has an AWS access key id." in ended.err
        assert "--allow-secret aws.py" in ended.err
        assert "AKIA" not in ended.err
    assert not local_dir.exists()
    assert dagy("build", str(chain), "--allow-secret", "aws.py").code == 0
    ended = dagy("build", str(chain), "--include", "sql/tls.key", "--allow-secret", "aws.py")
    assert ended.code == 9
    assert "sql/tls.key cannot be packed: it is a file that may hold secrets." in ended.err


def test_two_builds_are_one_file(
    dagy: Callable[..., Any], chain: Path, process: Callable[..., Any], tmp_path: Path
) -> None:
    """SEC-12."""
    outputs = [tmp_path / "one.zip", tmp_path / "two.zip"]
    assert dagy("build", str(chain), "-o", str(outputs[0])).code == 0
    environ = {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    ended = process("build", str(chain), "--output", str(outputs[1]), environ=environ)
    assert ended.returncode == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["absent.py"], 5, "There is no file absent.py."),
        (["chain.py:nope"], 5, "There is no flow 'nope'"),
        (["chain.py", "--param", "length=x"], 2, "parameter 'length'"),
        (["chain.py", "--include", "*.sqll"], 2, "matches no file that can be packed"),
        (["chain.py", "--include", "../x"], 2, "names no files below the directory"),
        (["chain.py", "--allow-secret", "x"], 2, "x is not among the files that are packed"),
        (["chain.py", "-o", "absent/a.zip"], 9, "absent/a.zip cannot be written"),
        (["chain.py", "-o", "."], 9, ". is not a file."),
        (["chain.py", "-o"], 2, "expected one argument"),
        (["chain.py", "-o", "-x"], 2, "expected one argument"),
        (["-x.py"], 2, "TARGET"),
        (["broken.py"], 2, "broken.py cannot be imported: ZeroDivisionError"),
    ],
)
def test_bad_input_is_three_lines_at_most(
    words: list[str],
    code: int,
    told: str,
    dagy: Callable[..., Any],
    chain: Path,
    local_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(chain.parent)
    chain.write_text(FLOW.replace("print", "str"))
    (chain.parent / "broken.py").write_text("from dagy import flow\n1 / 0\n")
    ended = dagy("build", *words)
    assert (ended.code, ended.out) == (code, "")
    assert told in ended.err
    assert 1 <= len(ended.err.splitlines()) <= 3
    assert not local_dir.exists()


def test_the_commands_of_the_readme_print_what_it_shows(
    dagy: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"^`sums.py`:\n\n```python\n(.*?)^```$", README, re.M | re.S)
    (tmp_path / "sums.py").write_text(program)
    (tmp_path / "requirements.txt").write_text("requests>=2\n")
    shown = re.findall(r"^\$ (dagy build .*)\n((?:[^$`].*\n)*)", README, re.M)
    assert len(shown) == 2
    for command, output in shown:
        ended = dagy(*command.removesuffix(" | cat").split()[1:])
        assert ended.code == 0
        assert _shape(ended.out + ended.err) == _shape(output)


def _shape(text: str) -> list[str]:
    """Leave out hashes and sizes, which differ between versions of Python, and the directory."""
    text = re.sub(r"\b[0-9a-f]{12,}\b", "HASH", text)
    text = re.sub(r"\S*/builds/", "BUILDS/", text)
    return re.sub(r"[0-9.]+ (KiB|bytes)", "SIZE", text).splitlines()
