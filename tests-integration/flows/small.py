"""Flows that end quickly, one way or another."""

from __future__ import annotations

from datetime import date

from dagy import flow, get_run_logger, task


@task
def load(day: date) -> list[int]:
    get_run_logger().info("loading %s", day)
    print("printed by load")
    return [day.day, day.month]


@task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@task
def fail(numbers: list[int]) -> int:
    raise ValueError(f"cannot work with {numbers}")


@task
def chat(first: int, last: int) -> int:
    for number in range(first, last + 1):
        print(f"line {number}")
    return last


@task
def chat_on(before: int, last: int) -> int:
    return chat(before + 1, last)


@flow
def chatty() -> int:
    return chat_on(chat(1, 500), 10_000)


@flow
def good(day: date = date(2026, 11, 1)) -> int:
    return total(load(day))


@flow
def bad(day: date = date(2026, 11, 1)) -> int:
    return total(fail(load(day)))
