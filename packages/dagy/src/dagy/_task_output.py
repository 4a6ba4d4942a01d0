"""The placeholder that a task call returns while a flow's graph is traced."""

from __future__ import annotations

from typing import Any, NoReturn

from dagy_types.errors import FlowDefinitionError


class TaskOutput:
    """Stands for what a task will return; hand it to other tasks, or return it from the flow.

    The value does not exist while the flow's body runs, so anything that would need it (a test,
    a loop, arithmetic, an attribute) raises `FlowDefinitionError`.
    """

    __slots__ = ("task_id", "trace")

    def __init__(self, task_id: str, trace: object) -> None:
        self.task_id = task_id
        self.trace = trace

    def __repr__(self) -> str:
        return f"TaskOutput({self.task_id!r})"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # protocols such as copy and pickle probe for these
            raise AttributeError(name)
        self._refuse()

    def _refuse(self, *_: Any) -> NoReturn:
        raise FlowDefinitionError(
            f"The output of task {self.task_id!r} was used as a value, but tasks run only after "
            "the flow's body has been traced.",
            hint="Do this inside a task: hand the output to it as an argument.",
        )

    __bool__ = __iter__ = __len__ = __contains__ = __getitem__ = _refuse
    __int__ = __float__ = __index__ = __neg__ = __abs__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = _refuse
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = _refuse
