from __future__ import annotations

import pytest
from peers import environments


def test_what_a_peer_keeps_stays_in_the_directory_that_it_is_given(tmp_path):
    variables = environments.environ(tmp_path)

    places = [each for each in variables if each.endswith(("HOME", "TMPDIR", "SYSROOT_LOCAL"))]
    assert {"HOME", "TMPDIR", "PREFECT_HOME", "DAGSTER_HOME"} <= set(places)
    assert all(variables[each].startswith(str(tmp_path)) for each in places)


def test_a_peer_sends_no_telemetry(tmp_path):
    variables = environments.environ(tmp_path)

    assert variables["DO_NOT_TRACK"] == variables["DAGSTER_DISABLE_TELEMETRY"] == "1"
    assert variables["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert "enabled: false" in (tmp_path / "dagster" / "dagster.yaml").read_text(encoding="utf-8")


def test_a_peer_sees_nothing_of_the_packages_under_test(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "packages")

    assert "PYTHONPATH" not in environments.environ(tmp_path)


@pytest.mark.parametrize("peer", environments.REQUIREMENTS)
def test_what_is_installed_already_is_used_again(peer, tmp_path, capsys):
    requirements = "\n".join(environments.REQUIREMENTS[peer]) + "\n"
    (tmp_path / peer).mkdir()
    (tmp_path / peer / "installed.txt").write_text(requirements, encoding="utf-8")

    assert environments.install(peer, tmp_path) == str(tmp_path / peer / "bin" / "python")
    assert capsys.readouterr().err == ""  # an installation says so
