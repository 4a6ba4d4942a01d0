from __future__ import annotations

import pytest

from dagy._executors.processes.loss import ended_early, never_began, nowhere_to_run


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (3, "it ended with exit status 3", "os._exit()"),
        (0, "it ended with exit status 0", "os._exit()"),
        (-9, "it was killed by SIGKILL", "memory"),
        (-11, "it was killed by SIGSEGV", "PYTHONFAULTHANDLER"),
        (-15, "it was killed by SIGTERM", "who stops processes"),
        (-45, "it was killed by signal 45", "who stops processes"),
    ],
)
def test_the_error_names_the_task_and_what_ended_its_process(
    status: int, message: str, hint: str
) -> None:
    error = ended_early("work", status)
    assert error.message == f"Task 'work' lost its process: {message}."
    assert hint in (error.hint or "")
    assert error.task_id == "work"


def test_the_error_says_why_there_was_no_process() -> None:
    error = never_began("work", "Cannot allocate memory")
    assert error.message.endswith("it could not be started: Cannot allocate memory.")
    assert "max_workers" in (error.hint or "")
    assert "is gone" in nowhere_to_run("work").message
