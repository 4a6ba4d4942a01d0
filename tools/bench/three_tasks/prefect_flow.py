from __future__ import annotations

from prefect import flow, task


@task
def step(value: int = 0) -> int:
    return value + 1


@flow
def three() -> int:
    return step(step(step()))


if __name__ == "__main__":
    assert three() == 3
