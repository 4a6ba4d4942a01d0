from __future__ import annotations

import sys

import pytest
from starts import Command, StartError, installed_environ, median_seconds, rows


def test_every_command_is_started_as_often_as_asked_after_a_first_round(tmp_path):
    file = tmp_path / "starts.txt"
    code = f"open({str(file)!r}, 'a').write('x')"

    seconds = median_seconds({"append": Command([sys.executable, "-c", code])}, 3)

    assert file.read_text(encoding="utf-8") == "x" * 4
    assert seconds["append"] > 0


def test_what_a_command_needs_is_prepared_before_each_start(tmp_path):
    file = tmp_path / "record"
    code = f"open({str(file)!r}, 'x')"
    command = Command([sys.executable, "-c", code], prepare=lambda: file.unlink(missing_ok=True))

    assert median_seconds({"make": command}, 2)["make"] > 0


def test_a_command_that_fails_is_an_error_that_shows_what_it_said():
    command = Command([sys.executable, "-c", "raise SystemExit('no way')"])

    with pytest.raises(StartError, match=r"(?s)exit status 1\nno way"):
        median_seconds({"fail": command}, 1)


def test_rows_show_ratios_to_the_first_command():
    assert rows({"pass": 0.01, "run": 0.085}) == [
        ["pass", "10.0 ms", "1.0x"],
        ["run", "85.0 ms", "8.5x"],
    ]


def test_commands_may_keep_their_bytecode_as_installed_ones_do():
    environ = installed_environ({"PYTHONDONTWRITEBYTECODE": "1", "LANG": "C"}, HOME="here")

    assert environ == {"LANG": "C", "HOME": "here"}
