from __future__ import annotations

from metaflow import FlowSpec, step


class Three(FlowSpec):
    @step
    def start(self) -> None:
        self.value = 1
        self.next(self.second)

    @step
    def second(self) -> None:
        self.value += 1
        self.next(self.end)

    @step
    def end(self) -> None:
        self.value += 1
        assert self.value == 3


if __name__ == "__main__":
    Three()
