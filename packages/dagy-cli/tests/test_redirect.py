from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dagy_cli.redirect import stdout_to_stderr


def test_prints_and_children_go_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    print("before")
    with stdout_to_stderr():
        print("printed")
        sys.stdout.flush()
        os.system("echo from a child")
    print("after")
    captured = capfd.readouterr()
    assert captured.out == "before\nafter\n"
    assert captured.err == "printed\nfrom a child\n"


def test_the_way_back_is_taken_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    original = sys.stdout
    with pytest.raises(ValueError, match="boom"), stdout_to_stderr():
        raise ValueError("boom")
    assert sys.stdout is original
    os.write(1, b"here\n")
    assert capfd.readouterr().out == "here\n"


def test_text_written_past_the_redirection_does_not_reach_stdout() -> None:
    script = (
        "import sys; from dagy_cli.redirect import stdout_to_stderr\n"
        "with stdout_to_stderr(): sys.__stdout__.write('sneaky')\n"
        "print('data')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert (ended.stdout, ended.stderr) == ("data\n", "sneaky")
