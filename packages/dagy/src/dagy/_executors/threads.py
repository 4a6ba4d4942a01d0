"""Attempts in threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from datetime import datetime
from queue import Empty, SimpleQueue
from time import monotonic

from dagy._executors.gate import Gate
from dagy._executors.interruption import AttemptInterrupted, interrupt, take_interrupt
from dagy._executors.performing import performed
from dagy_types import Attempt, AttemptEvent, AttemptResult, AttemptStarted, Output, Perform

# An interrupted thread that runs Python code ends within milliseconds. One that does not is stuck
# in a call that nothing can end, and nobody is to wait for that.
_LONGEST_WAIT_FOR_INTERRUPTED_SECONDS = 0.5


class _Worker:
    """A thread, and the gate of the attempt that it is running.

    Its thread alone writes here; the coordinator only reads.
    """

    __slots__ = ("ended", "gate", "thread")

    def __init__(self, name: str, work: Callable[[_Worker], None], context: Context) -> None:
        self.gate: Gate | None = None
        self.ended = 0  # attempts
        self.thread = threading.Thread(
            target=context.copy().run, args=(work, self), name=name, daemon=True
        )

    def end(self) -> None:
        """The attempt has ended."""
        self.gate = None
        self.ended += 1


class ThreadExecutor:
    """Runs up to ``max_workers`` attempts at once, each in a thread.

    Threads start as they are needed. They are daemons: a task that does not end cannot keep the
    process from ending. All methods are for one thread at a time.

    Args:
        perform: Runs a task.
        deliver: Called with each event, from the thread that runs the attempt; must not block.
        hand_in: Called with the result of a success in place of `deliver`; must not block either.
        go_on: Called after that with whether the thread has no other attempt to go on with: then
            this may take its time, and submit some.
        now: The clock.
    """

    # The threads share no lock. Between them and the coordinator stand the queue, whose `get` gives
    # an attempt either to a worker or to `withdraw`, and the gate of each attempt. What else both
    # sides use is written by one of them. Where each side writes and then looks, it is in opposite
    # order: a worker puts up its gate before it asks whether the attempt is still wanted, the
    # coordinator says that it is not before it looks for the gate. So one of them sees the other.

    def __init__(
        self,
        max_workers: int,
        *,
        perform: Perform,
        deliver: Callable[[AttemptEvent], None],
        hand_in: Callable[[AttemptResult], None] | None = None,
        go_on: Callable[[bool], None] = lambda _: None,
        now: Callable[[], datetime],
    ) -> None:
        self._max_workers = max_workers
        self._perform = perform
        self._deliver = deliver
        self._hand_in = hand_in
        self._go_on = go_on
        self._now = now
        # What the caller has set for itself holds for the tasks, too: for flows that they run.
        self._context = copy_context()
        self._inbox: SimpleQueue[Attempt | None] = SimpleQueue()
        self._workers: list[_Worker] = []
        self._started = 0  # threads
        self._taken = 0  # attempts that the workers of now got or are to get
        self._unwanted: set[tuple[str, int]] = set()  # given up before they started
        self._abandoned: list[threading.Thread] = []
        self._is_closed = False
        self._is_over = False  # nothing may start any more
        self._leave = threading.Semaphore(0)  # for threads whose attempt raised to go on

    def submit(self, attempt: Attempt) -> None:
        """Run an attempt as soon as a thread is free.

        Raises:
            RuntimeError: When the executor is closed.
        """
        if self._is_closed:
            raise RuntimeError("The executor is closed.")
        self._taken += 1
        if len(self._workers) < self._max_workers:
            self._start_workers()
        self._inbox.put(attempt)

    def proceed(self) -> None:
        """Let the thread go on whose attempt raised; called once for each such result."""
        self._leave.release()

    def withdraw(self) -> list[Attempt]:
        """Give back the attempts that have not started; no event of theirs follows."""
        withdrawn = []
        try:
            # Once the executor is closed, the queue holds nothing but the threads' leave to end.
            while not self._is_closed and (attempt := self._inbox.get_nowait()) is not None:
                self._taken -= 1
                if not self._is_refused(attempt):
                    withdrawn.append(attempt)
        except Empty:
            pass
        return withdrawn

    def give_up(self, task_id: str, number: int) -> None:
        """Deliver no result of this attempt, and have another thread in its place.

        A thread cannot be killed. An exception is raised in it as soon as it runs Python code
        again, which time.sleep() or a blocked read may put off for long.
        """
        self._unwanted.add((task_id, number))
        for worker in self._workers:
            gate = worker.gate
            if gate is not None and _key(gate.attempt) == (task_id, number):
                self._unwanted.discard((task_id, number))
                self._abandon(worker, gate)
                self._start_workers()
                return

    def close(self, *, wait: bool) -> None:
        """Let the threads end; what has not started never does.

        Args:
            wait: Return once the attempts under way have ended, and no thread is left but those of
                given up attempts that cannot be interrupted. Else these attempts are given up.
        """
        if self._is_closed:
            return
        self.withdraw()
        self._is_closed = True
        if not wait:
            self._is_over = True
            for worker in self._workers.copy():
                gate = worker.gate
                if gate is not None:
                    self._abandon(worker, gate)
        for _ in self._workers:
            self._leave.release()
            self._inbox.put(None)
        if wait:
            self._join()

    def _join(self) -> None:
        for worker in self._workers:
            worker.thread.join()
        deadline = monotonic() + _LONGEST_WAIT_FOR_INTERRUPTED_SECONDS
        for thread in self._abandoned:
            thread.join(max(0.0, deadline - monotonic()))

    def _start_workers(self) -> None:
        # The counts of the workers may be a moment old, which at worst starts a thread too many.
        under_way = self._taken - sum(worker.ended for worker in self._workers)
        while len(self._workers) < min(under_way, self._max_workers):
            self._started += 1
            worker = _Worker(f"dagy-worker-{self._started}", self._work, self._context)
            worker.thread.start()
            self._workers.append(worker)

    def _abandon(self, worker: _Worker, gate: Gate) -> None:
        if gate.shut(lambda: interrupt(worker.thread)):
            self._workers.remove(worker)
            self._taken -= worker.ended + 1
            self._abandoned = [each for each in self._abandoned if each.is_alive()]
            self._abandoned.append(worker.thread)

    def _work(self, worker: _Worker) -> None:
        try:
            while (attempt := self._inbox.get()) is not None:
                gate = worker.gate = Gate(attempt, self._deliver)
                if not self._run(worker, attempt, gate):
                    take_interrupt()
                    return
                del attempt, gate  # an idle thread must not keep the last inputs alive
        except AttemptInterrupted:
            return

    def _run(self, worker: _Worker, attempt: Attempt, gate: Gate) -> bool:
        """Return whether the thread may go on: not when it is interrupted."""
        if self._is_refused(attempt):
            if not gate.shut():
                return False
            worker.end()
            return True
        started = AttemptStarted(attempt.task_id, attempt.number, self._now())
        if not gate.let_through(started):
            return False
        result = performed(self._perform, attempt, gate.emit, now=self._now)
        is_success = isinstance(result.outcome, Output)
        if not gate.finish(result, self._hand_in if is_success else None):
            return False
        if not is_success:
            self._leave.acquire()
        worker.end()
        if is_success:
            self._go_on(self._inbox.empty())
        return True

    def _is_refused(self, attempt: Attempt) -> bool:
        """Return whether the attempt was given up before it started; that is asked once."""
        if self._is_over:
            return True
        if not self._unwanted or _key(attempt) not in self._unwanted:
            return False
        self._unwanted.discard(_key(attempt))
        return True


def _key(attempt: Attempt) -> tuple[str, int]:
    return attempt.task_id, attempt.number
