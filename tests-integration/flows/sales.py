"""A flow as people deploy it: it maps, tries again, prints; and one that goes on for a while."""

from __future__ import annotations

import time

from dagy import flow, task


@task
def days(count: int) -> list[int]:
    print(f"{count} days")
    return list(range(count))


@task(retries=1)
def load(day: int) -> int:
    print(f"loading day {day}")
    return day * 10


@task
def total(loaded: list[int]) -> int:
    print(f"total {sum(loaded)}")
    return sum(loaded)


@task
def check(amount: int, at_most: int) -> None:
    if amount > at_most:
        raise ValueError(f"{amount} is more than {at_most}")


@task
def report(checked: None) -> None: ...


@flow
def sales(count: int = 3, at_most: int = 1000) -> None:
    report(check(total(load.map(days(count))), at_most))


@task
def wait(seconds: float) -> None:
    print("waiting")
    time.sleep(seconds)


@flow
def waiting(seconds: float = 60.0) -> None:
    wait(seconds)
