from dagster import DagsterInstance, job, op


@op
def first() -> int:
    return 1


@op
def step(value: int) -> int:
    return value + 1


@job
def three() -> None:
    step.alias("third")(step(first()))


if __name__ == "__main__":
    ran = three.execute_in_process(instance=DagsterInstance.get())
    assert ran.output_for_node("third") == 3
