"""What a local run raises about its tasks."""

from dagy_types.errors import TaskFailedError, TaskTimeoutError

__all__ = ["TaskFailedError", "TaskTimeoutError"]
