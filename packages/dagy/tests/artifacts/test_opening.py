from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagy.artifacts import MAX_ARTIFACT_BYTES, open_artifact
from dagy.artifacts._manifest import is_archive_name
from dagy.artifacts._names import name_clash, name_problem
from dagy.building import build_artifact
from dagy.building._exclusions import is_never_packed, may_hold_secrets
from dagy.loader import load_flow
from dagy_types.errors import ArtifactError, ConflictError, NotFoundError

FLOW = """
from dagy import flow, task

@task
def one() -> int:
    return 1

@flow(version="3")
def daily() -> int:
    return one()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with a flow, a query and requirements."""
    root = tmp_path / "project"
    (root / "sql").mkdir(parents=True)
    (root / "etl.py").write_text(FLOW)
    (root / "sql/load.sql").write_text("select 1;\n")
    (root / "requirements.txt").write_text("requests>=2\n")
    return root


@pytest.fixture
def archive(project: Path, tmp_path: Path) -> Path:
    return build_artifact(f"{project}/etl.py", tmp_path / "daily.zip", include=["sql"])


def test_an_artifact_says_what_is_in_it(archive: Path) -> None:
    with open_artifact(archive) as artifact:
        manifest, spec = artifact.manifest, artifact.flow_spec
    assert (
        (manifest.flow_name, manifest.flow_version) == (spec.name, spec.version) == ("daily", "3")
    )
    assert manifest.target == "src/etl.py:daily"
    assert manifest.requirements == ("src/requirements.txt",)
    assert [each.path for each in manifest.files] == [
        "flow.json",
        "src/etl.py",
        "src/requirements.txt",
        "src/sql/load.sql",
    ]
    assert [task.task_id for task in spec.tasks] == ["one"]


def test_what_is_unpacked_can_be_loaded_as_the_manifest_says(archive: Path, tmp_path: Path) -> None:
    with open_artifact(archive) as artifact:
        place = artifact.unpack(tmp_path / "there")
        assert load_flow(f"{place}/{artifact.manifest.target}")() == 1
    assert (place / "src/sql/load.sql").read_text() == "select 1;\n"


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_modes_do_not_depend_on_the_umask(archive: Path, tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with open_artifact(archive) as artifact:
            place = artifact.unpack(tmp_path / "there")
    finally:
        os.umask(before)
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in [place, *place.rglob("*")]}
    assert modes == {True: 0o755, False: 0o644}


def test_it_is_an_ordinary_zip_file_for_others(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert opened.namelist()[:2] == ["manifest.json", "flow.json"]
        assert opened.read("src/sql/load.sql") == b"select 1;\n"


def test_an_open_file_is_read_and_left_open(archive: Path) -> None:
    file = io.BytesIO(archive.read_bytes())
    with open_artifact(file) as artifact:
        artifact.verify()
    assert not file.closed
    with pytest.raises(ArtifactError, match="The file is refused: it does not end"):
        open_artifact(io.BytesIO(b"x" * 99)).__enter__()


def test_a_file_without_a_name_is_called_the_file() -> None:
    with TemporaryFile() as file, pytest.raises(ArtifactError, match="The file is refused: "):
        open_artifact(file).__enter__()


def test_the_hash_of_the_whole_is_compared_when_it_is_known(archive: Path) -> None:
    """SEC-12."""
    expected = sha256(archive.read_bytes()).hexdigest()
    with open_artifact(archive) as artifact:
        assert artifact.sha256() == expected
        artifact.verify(sha256=expected.upper())
        with pytest.raises(ArtifactError, match="the SHA-256 of the whole is not the expected one"):
            artifact.verify(sha256="0" * 64)


def test_a_place_that_is_taken_is_left_alone(archive: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with open_artifact(archive) as artifact:
        for place in (taken, link, archive):
            with pytest.raises(ConflictError, match="is already there"):
                artifact.unpack(place)
    assert list(taken.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(archive: Path, tmp_path: Path) -> None:
    with (
        open_artifact(archive) as artifact,
        pytest.raises(
            ArtifactError, match=r"cannot be unpacked to .*: No such file or directory\."
        ),
    ):
        artifact.unpack(tmp_path / "absent/there")


def test_a_change_after_it_was_opened_is_found_and_nothing_stays(
    project: Path, tmp_path: Path
) -> None:
    (project / "large.sql").write_bytes(b"select 1;\n" * 100_000)
    archive = build_artifact(f"{project}/etl.py", tmp_path / "large.zip", include=["*.sql"])
    content = archive.read_bytes()
    target = tmp_path / "targets" / "there"
    target.parent.mkdir()
    with open_artifact(archive) as artifact:
        archive.write_bytes(content.replace(b"select 1", b"select 2"))
        with pytest.raises(ArtifactError, match="another checksum"):
            artifact.unpack(target)
        archive.write_bytes(content[:-300_000])
        with pytest.raises(ArtifactError, match=r"shorter than it was"):
            artifact.unpack(target)
    assert list(target.parent.iterdir()) == []


class _Fickle(io.BytesIO):
    """Has other content from some read on, as a file that somebody writes to."""

    def __init__(self, content: bytes, *, reads: int) -> None:
        super().__init__(content)
        self.reads = reads

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads -= 1
        content = super().read(size)
        return content if self.reads > 0 else content.replace(b"select 1", b"select 2")


def test_what_is_written_is_verified_again(archive: Path, tmp_path: Path) -> None:
    counting = _Fickle(archive.read_bytes(), reads=1000)
    with open_artifact(counting) as artifact:
        artifact.verify()
    target = tmp_path / "targets" / "there"
    target.parent.mkdir()
    fickle = _Fickle(archive.read_bytes(), reads=1000 - counting.reads + 1)
    with (
        open_artifact(fickle) as artifact,
        pytest.raises(ArtifactError, match=r"'src/sql/load\.sql' has another checksum"),
    ):
        artifact.unpack(target)
    assert list(target.parent.iterdir()) == []


def test_a_failure_in_the_middle_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    """SEC-11: the target appears atomically or not at all."""
    target = tmp_path / "targets" / "there"
    target.parent.mkdir()
    code = (
        "import resource, signal, sys\n"
        "from dagy.artifacts import open_artifact\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with open_artifact(sys.argv[1]) as artifact:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"  # as on a full disk
        "    artifact.unpack(sys.argv[2])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(archive), str(target)], capture_output=True, text=True
    )
    assert "ArtifactError: The artifact cannot be unpacked to" in ended.stderr
    assert list(target.parent.iterdir()) == []


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no file"):
        open_artifact(tmp_path / "absent.zip").__enter__()


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ArtifactError, match="is refused: it is not a file"):
            open_artifact(path).__enter__()
    with pytest.raises(ArtifactError, match="cannot be read: its name has a NUL character in it"):
        open_artifact("a\0b").__enter__()


def test_a_file_larger_than_the_limit_is_refused_unread(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="more than the limit of 100"):
        open_artifact(archive, max_bytes=100).__enter__()
    sparse = tmp_path / "sparse.zip"
    with sparse.open("wb") as file:
        file.truncate(MAX_ARTIFACT_BYTES + 1)
    with pytest.raises(ArtifactError, match=f"more than the limit of {MAX_ARTIFACT_BYTES}"):
        open_artifact(sparse).__enter__()


def test_reading_never_imports_what_an_archive_holds(project: Path, tmp_path: Path) -> None:
    """SEC-14: a module that writes a file when it is imported."""
    canary = tmp_path / "canary"
    for name in ("sitecustomize.py", "json.py", "dagy.py", "conftest.py", "__init__.py"):
        (project / name).write_text(f"open({str(canary)!r}, 'a').close()\n")
    (project / "value.pickle").write_bytes(
        b"cbuiltins\nopen\n(V" + str(canary).encode() + b"\nVa\ntR."
    )
    # Built elsewhere: these names would break the Python that imports from there.
    archive = tmp_path / "evil.zip"
    code = (
        "import dagy, dagy.loader, sys; dagy.build_artifact(*sys.argv[1:3], include=['*.pickle'])"
    )
    words = [f"{project}/etl.py", str(archive)]
    subprocess.run([sys.executable, "-c", code, *words], check=True, cwd=tmp_path)
    canary.unlink(missing_ok=True)
    read = (
        "import sys\nfrom dagy.artifacts import open_artifact\n"
        "with open_artifact(sys.argv[1]) as artifact:\n"
        "    artifact.verify(); artifact.flow_spec; artifact.unpack(sys.argv[2])\n"
    )
    subprocess.run([sys.executable, "-c", read, str(archive), str(tmp_path / "there")], check=True)
    assert (tmp_path / "there/src/sitecustomize.py").exists()
    assert not canary.exists()


_PART = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_PATHS = st.lists(_PART, min_size=1, max_size=4).map("/".join)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=st.dictionaries(_PATHS, st.binary(max_size=400), max_size=6))
def test_what_is_packed_comes_out_the_same(
    files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("trip")
    root = base / "project"
    root.mkdir()
    (root / "etl.py").write_text(FLOW)
    kept = {path: content for path, content in files.items() if _is_packable(path)}
    if name_clash([*kept, "etl.py"]) is not None:
        kept = {}
    for path, content in kept.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    archive = build_artifact(f"{root}/etl.py", base / "a.zip", include=[*kept, "etl.py"])
    with open_artifact(archive) as artifact:
        place = artifact.unpack(base / "there")
    unpacked = {
        path.relative_to(place / "src").as_posix(): path.read_bytes()
        for path in (place / "src").rglob("*")
        if path.is_file()
    }
    assert unpacked == {**kept, "etl.py": FLOW.encode()}


def _is_packable(path: str) -> bool:
    is_pattern = any(each in path for each in "*?[") or path.startswith("~")
    parts = path.split("/")
    stays_out = (
        is_archive_name(path)
        or may_hold_secrets(path)
        or any(map(is_never_packed, parts))
        or "pyvenv.cfg" in parts  # beside it, all is of a virtual environment
    )
    return name_problem(f"src/{path}") is None and not is_pattern and not stays_out
