from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import dagy
from dagy.artifacts import open_artifact
from dagy.building import build_artifact, default_output, plan_artifact, write_artifact
from dagy.loader import load_flow
from dagy_types.errors import ArtifactError, ConflictError, UsageError

SECRET = "key = 'AKIA" + "Q7Z3" * 4 + "'\n"


def paths_in(archive: Path) -> list[str]:
    with open_artifact(archive) as artifact:
        artifact.verify()
        return [each.path for each in artifact.manifest.files[1:]]


def test_an_artifact_goes_to_builds_of_the_local_directory(
    project: Path, local_directory: Path
) -> None:
    path = build_artifact(f"{project}/etl.py:daily")
    with open_artifact(path) as artifact:
        content_hash = artifact.manifest.content_hash
    assert path == local_directory / "builds" / f"daily-latest-{content_hash[:12]}.zip"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert local_directory.stat().st_mode & 0o777 == 0o700
    assert build_artifact(f"{project}/etl.py:daily") == path
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_another_content_has_another_name(project: Path, put: Callable[..., Path]) -> None:
    before = build_artifact(f"{project}/etl.py")
    put("more.py")
    assert build_artifact(f"{project}/etl.py").name != before.name


def test_the_function_of_the_package_is_the_same_and_is_imported_when_used() -> None:
    assert dagy.build_artifact is build_artifact
    code = (
        "import sys, dagy; before = [m for m in sys.modules if m.startswith('dagy.')]\n"
        "assert not [m for m in before if 'building' in m or 'artifacts' in m], before\n"
        "assert 'zipfile' not in sys.modules\n"
        "dagy.build_artifact; assert 'dagy.building' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_flow_itself_is_packed_from_where_its_function_is(project: Path, tmp_path: Path) -> None:
    flow = load_flow(f"{project}/etl.py")
    path = build_artifact(flow, tmp_path / "a.zip")
    assert path.read_bytes() == build_artifact(f"{project}/etl.py", tmp_path / "b.zip").read_bytes()
    with open_artifact(path) as artifact:
        assert artifact.manifest.target == "src/etl.py:daily"


def test_a_flow_without_a_file_cannot_be_packed() -> None:
    names: dict[str, dagy.Flow[[], None]] = {}
    exec("from dagy import flow\n@flow\ndef f(): ...\n", names)
    with pytest.raises(UsageError, match="Flow 'f' is not in a file"):
        build_artifact(names["f"])


def test_the_target_is_found_again_though_another_variable_has_the_name_of_the_flow(
    project: Path, put: Callable[..., Path], tmp_path: Path
) -> None:
    put("two.py", "from dagy import flow\n@flow(name='b')\ndef a(): ...\n@flow\ndef b(): ...\n")
    flow = load_flow(f"{project}/two.py:a")
    for given in (flow, f"{project}/two.py:a"):
        with open_artifact(build_artifact(given, tmp_path / "a.zip")) as artifact:
            assert artifact.manifest.target == "src/two.py:a"


def test_the_graph_is_that_of_the_parameters(
    project: Path, put: Callable[..., Path], tmp_path: Path
) -> None:
    put(
        "wide.py",
        "from dagy import flow, task\n@task\ndef one(): ...\n"
        "@flow\ndef wide(width: int):\n    for _ in range(width):\n        one()\n",
    )
    with pytest.raises(UsageError, match="needs the parameter 'width'"):
        build_artifact(f"{project}/wide.py", tmp_path / "a.zip")
    path = build_artifact(f"{project}/wide.py", tmp_path / "a.zip", parameters={"width": 3})
    with open_artifact(path) as artifact:
        assert len(artifact.flow_spec.tasks) == 3


BUILD = "import dagy, os, sys\nos.umask(int(sys.argv[3], 8))\ndagy.build_artifact(*sys.argv[1:3])"


@pytest.mark.parametrize(
    ("environ", "mask"),
    [
        ({"TZ": "Pacific/Kiritimati"}, "022"),
        ({"TZ": "America/St_Johns"}, "022"),
        ({}, "000"),
        ({}, "077"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0"}, "022"),
        ({"LC_ALL": "tr_TR.UTF-8"}, "022"),
        ({"PYTHONHASHSEED": "1"}, "022"),
        ({"PYTHONHASHSEED": "2"}, "022"),
        ({"SOURCE_DATE_EPOCH": "1", "PYTHONIOENCODING": "latin-1"}, "022"),
    ],
)
def test_the_bytes_depend_on_nothing_around_the_build(
    environ: dict[str, str], mask: str, project: Path, put: Callable[..., Path], tmp_path: Path
) -> None:
    """SEC-12: byte-equal under other time zones, umasks and locales."""
    put("häuser.py")
    put("流/İ.py")
    reference = build_artifact(f"{project}/etl.py", tmp_path / "reference.zip")
    os.utime(project / "etl.py", (10**9, 10**9))
    (project / "etl.py").chmod(0o700)
    other = tmp_path / "other.zip"
    subprocess.run(
        [sys.executable, "-c", BUILD, f"{project}/etl.py", str(other), mask],
        env={**os.environ, **environ},
        check=True,
    )
    assert other.read_bytes() == reference.read_bytes()


def test_a_locale_that_knows_no_umlauts_is_no_obstacle(
    project: Path, put: Callable[..., Path], tmp_path: Path
) -> None:
    put("häuser/größe.py")
    put("häuser/maß.txt")
    code = (
        "import dagy, sys\nfrom dagy.artifacts import open_artifact\n"
        "path = dagy.build_artifact(sys.argv[1], sys.argv[2], include=[sys.argv[3]])\n"
        "with open_artifact(path) as artifact: artifact.unpack(sys.argv[4])\n"
    )
    there = tmp_path / "dört"
    words = [f"{project}/etl.py", f"{tmp_path}/ä.zip", "häuser/*.txt", str(there)]
    subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        check=True,
    )
    unpacked = {str(path.relative_to(there)) for path in there.rglob("*.*")}
    assert {"src/häuser/größe.py", "src/häuser/maß.txt"} < unpacked


def test_the_bytes_do_not_depend_on_the_order_of_files_or_their_place(tmp_path: Path) -> None:
    """SEC-12."""
    flow = "from dagy import flow\n@flow\ndef daily(): ...\n"
    names = ["etl.py", *(f"part{number}.py" for number in range(40))]
    archives = []
    for place, order in (("first", names), ("further/second", names[::-1])):
        root = tmp_path / place
        root.mkdir(parents=True)
        for name in order:
            (root / name).write_text(flow if name == "etl.py" else f"name = {name!r}\n")
        ended = subprocess.run(
            [sys.executable, "-c", BUILD, f"{root}/etl.py", f"{root}/out.zip", "022"], check=True
        )
        assert ended.returncode == 0
        archives.append((root / "out.zip").read_bytes())
    assert archives[0] == archives[1]


def test_a_secret_stops_the_build_and_is_not_repeated(
    project: Path, put: Callable[..., Path], tmp_path: Path
) -> None:
    """SEC-13."""
    put("settings/aws.py", f"x = 1\n{SECRET}")
    put("settings/more.py", SECRET)
    output = tmp_path / "a.zip"
    with pytest.raises(ArtifactError) as caught:
        build_artifact(f"{project}/etl.py", output)
    assert caught.value.message == (
        "settings/aws.py seems to hold a secret: line 2 has an AWS access key id. "
        "So do: settings/more.py."
    )
    assert str(caught.value.hint).endswith("--allow-secret settings/aws.py")
    assert "AKIA" not in f"{caught.value.message}{caught.value.hint}"
    assert not output.exists()


def test_a_secret_that_is_allowed_goes_in(
    project: Path, put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """SEC-13."""
    place = put("settings/aws.py", SECRET)
    monkeypatch.chdir(place.parent)
    for allowed in ("settings/aws.py", "aws.py", place):
        path = build_artifact(f"{project}/etl.py", tmp_path / "a.zip", allow_secrets=[allowed])
        assert "src/settings/aws.py" in paths_in(path)
    for wrong in ("setings.py", "../../elsewhere.py"):
        with pytest.raises(UsageError, match="is not among the files that are packed"):
            build_artifact(f"{project}/etl.py", tmp_path / "a.zip", allow_secrets=[wrong])


def test_junk_stays_out(project: Path, put: Callable[..., Path], tmp_path: Path) -> None:
    """SEC-13."""
    for path in (
        *(".env", ".git/hooks/x.py", "__pycache__/etl.cpython-312.pyc", "node_modules/a/b.py"),
        *("myvenv/pyvenv.cfg", "myvenv/lib/x.py", ".venv/lib/y.py", "build/lib/z.py", "notes.txt"),
    ):
        put(path)
    put("package/module.py")
    (project / "linked").symlink_to(project / "package")
    (project / "broken").symlink_to(project / "absent")
    archive = build_artifact(f"{project}/etl.py", tmp_path / "a.zip")
    assert paths_in(archive) == ["src/etl.py", "src/package/module.py"]


def test_neither_the_archive_nor_the_local_directory_is_a_part_of_it(
    project: Path, put: Callable[..., Path]
) -> None:
    put("state/artifacts/x.py")
    output = project / "out.bin"
    for _ in range(2):
        build_artifact(
            f"{project}/etl.py",
            output,
            include=["*"],
            environ={"DAGY_LOCAL_DIR": str(project / "state")},
        )
        assert paths_in(output) == ["src/etl.py"]


def test_a_link_to_a_file_is_packed_as_what_it_leads_to(
    project: Path, put: Callable[..., Path], tmp_path: Path
) -> None:
    put("real.py", "x = 2\n")
    (project / "link.py").symlink_to("real.py")
    archive = build_artifact(f"{project}/etl.py", tmp_path / "a.zip")
    assert paths_in(archive) == ["src/etl.py", "src/link.py", "src/real.py"]


def test_a_link_that_leads_out_is_refused(project: Path, tmp_path: Path) -> None:
    """SEC-13: a link in a foreign repository must not take files of the home with it."""
    (tmp_path / "private.txt").write_text("private")
    (project / "link.py").symlink_to(tmp_path / "private.txt")
    with pytest.raises(ArtifactError, match=r"link\.py cannot be packed: it is a link that leads"):
        build_artifact(f"{project}/etl.py", tmp_path / "a.zip")


def test_what_cannot_be_read_is_told(project: Path, tmp_path: Path) -> None:
    (project / "broken.py").symlink_to(project / "absent.py")
    with pytest.raises(ArtifactError, match=r"broken\.py cannot be read: No such file"):
        build_artifact(f"{project}/etl.py", tmp_path / "a.zip")
    (project / "broken.py").unlink()
    (project / "loop.py").symlink_to("loop.py")
    with pytest.raises(ArtifactError, match=r"loop\.py cannot be read: "):
        build_artifact(f"{project}/etl.py", tmp_path / "a.zip")
    (project / "loop.py").unlink()
    os.mkfifo(project / "pipe.py")
    with pytest.raises(ArtifactError, match=r"pipe\.py cannot be packed: it is not a file"):
        build_artifact(f"{project}/etl.py", tmp_path / "a.zip")


def test_a_file_that_changes_meanwhile_is_found_and_nothing_is_written(
    project: Path, put: Callable[..., Path], tmp_path: Path
) -> None:
    place = put("part.py")
    plan = plan_artifact(load_flow(f"{project}/etl.py"))
    place.write_text("x = 2\n")
    with pytest.raises(ConflictError, match=r"part\.py has changed while it was packed"):
        write_artifact(plan, tmp_path / "a.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


def test_an_archive_replaces_the_one_that_is_there(project: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.zip"
    output.write_bytes(b"old")
    link = tmp_path / "link.zip"
    link.symlink_to(output)
    written = write_artifact(plan_artifact(load_flow(f"{project}/etl.py")), link)
    assert link.is_symlink()
    assert written.size_bytes == output.stat().st_size
    with open_artifact(output) as artifact:
        artifact.verify(sha256=written.sha256)


@pytest.mark.parametrize("output", ["absent/a.zip", "project", "/dev/null"])
def test_a_place_that_cannot_be_written_is_told(project: Path, tmp_path: Path, output: str) -> None:
    with pytest.raises(ArtifactError, match=r"cannot be written: No such file|is not a file"):
        build_artifact(f"{project}/etl.py", tmp_path / output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


def test_a_flow_with_any_name_has_a_safe_file_name(
    project: Path, put: Callable[..., Path], local_directory: Path
) -> None:
    put(
        "odd.py",
        "from dagy import flow\n@flow(name='../a b/ü', version='-1.0/..')\ndef f(): ...\n",
    )
    plan = plan_artifact(load_flow(f"{project}/odd.py"))
    path = default_output(plan)
    assert path.name == f"a-b-1.0-{plan.manifest.content_hash[:12]}.zip"
    assert path.parent == local_directory / "builds"


def test_a_text_that_is_no_path_is_told(project: Path) -> None:
    for words in ({"output": "a\0b"}, {"allow_secrets": ["a\0b"]}):
        with pytest.raises(UsageError, match="is no path: it has a NUL"):
            plan_artifact(load_flow(f"{project}/etl.py"), **words)  # type: ignore[arg-type]


def test_a_graph_of_more_tasks_than_readers_take_is_refused(
    project: Path, put: Callable[..., Path]
) -> None:
    put(
        "wide.py",
        "from dagy import flow, task\n@task\ndef one(): ...\n"
        "@flow\ndef wide():\n    for _ in range(20_000):\n        one()\n",
    )
    with pytest.raises(ArtifactError, match=r"its graph holds too many values|its graph has more"):
        plan_artifact(load_flow(f"{project}/wide.py"))


def test_too_many_files_are_refused(project: Path, tmp_path: Path) -> None:
    many = project / "many"
    many.mkdir()
    for number in range(10_001):
        (many / f"m{number}.py").touch()
    with pytest.raises(ArtifactError, match="There are 10002 files to pack, more than"):
        build_artifact(f"{project}/etl.py", tmp_path / "a.zip")


def test_too_large_files_are_refused(
    project: Path, put: Callable[..., Path], tmp_path: Path
) -> None:
    with put("large.bin").open("wb") as file:
        file.truncate(257 * 1024 * 1024)
    with pytest.raises(ArtifactError, match="The files to pack have more than 268435456 bytes"):
        build_artifact(f"{project}/etl.py", tmp_path / "a.zip", include=["large.bin"])
