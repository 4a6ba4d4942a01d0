"""Attempts in processes of their own.

Three kinds of process: the *coordinator*, which made the executor; the *zygote*, forked from it
before the first attempt, which holds the flow's code as it was then and forks the *workers*, each
of which runs one attempt at a time.
"""

from dagy._executors.processes.executor import ProcessExecutor

__all__ = ["ProcessExecutor"]
