from __future__ import annotations

import re
import stat
from pathlib import Path

from dagy_server.execution.places import Places


def test_a_server_has_an_id_that_stays(tmp_path: Path) -> None:
    root = tmp_path / "data" / "execution"
    first = Places(root).server_id()
    assert re.fullmatch(r"srv_[0-9a-f]{20}", first)
    assert Places(root).server_id() == first
    assert [each.name for each in root.iterdir()] == ["server-id"]


def test_another_disk_is_another_server(tmp_path: Path) -> None:
    ids = {Places(tmp_path / name).server_id() for name in "abc"}
    assert len(ids) == 3


def test_an_id_that_was_half_written_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "server-id.new").write_text("srv_")
    first = Places(tmp_path).server_id()
    assert len(first) == len("srv_") + 20
    assert Places(tmp_path).server_id() == first


def test_nobody_else_looks_into_what_is_executed(tmp_path: Path) -> None:
    Places(tmp_path / "execution").server_id()
    assert stat.S_IMODE((tmp_path / "execution").stat().st_mode) == 0o700


def test_each_run_has_places_of_its_own(tmp_path: Path) -> None:
    one, two = (Places(tmp_path).of_run(each) for each in ("one", "two"))
    hashes = ("a" * 64, "b" * 64)
    found = [
        place
        for run in (one, two)
        for place in (run.lock, run.holder, run.record, run.home, run.output)
    ]
    found += [place for run in (one, two) for each in hashes for place in (run.archive(each),)]
    found += [run.flow(each) for run in (one, two) for each in hashes]
    assert len(set(found)) == len(found)
    assert {place.parent for place in found} == {one.root, two.root}
    assert all(place.is_relative_to(tmp_path / "runs") for place in found)
