"""The flows of the acceptance scripts."""

from pathlib import Path

from dagy import flow, task


@task
def load(day: str) -> list[int]:
    print("loading", day)
    return [1, 2, 3]


@task
def double(number: int) -> int:
    return 2 * number


@task
def check(number: int) -> int:
    if not Path("mended").exists():
        raise ValueError("it is broken")
    return number


@task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@flow
def daily(day: str = "2026-11-01") -> int:
    return total(load(day))


@flow
def mapped(day: str = "2026-11-01") -> int:
    return total(double.map(load(day)))


@flow(name="nightly-check")
def broken(number: int = 1) -> int:
    return double(check(double(number)))
