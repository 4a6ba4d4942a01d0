from __future__ import annotations

import subprocess
import sys

# In a process of its own: under a tracer, such as that of coverage, threads are left alone.
LOGGING = """
import logging, sys, threading, time
from datetime import datetime, timezone
from queue import SimpleQueue
from dagy._executors.threads import ThreadExecutor
from dagy_types import Attempt, AttemptStarted, Output

is_inside, may_go_on = threading.Event(), threading.Event()

class Handler(logging.Handler):
    def acquire(self):  # the lock is taken, and nothing gives it back yet
        super().acquire()
        self.pause()
    def emit(self, record):
        self.pause()
    def pause(self):
        is_inside.set()
        while not may_go_on.is_set():
            time.sleep(0.001)

handler = Handler()
logging.getLogger().addHandler(handler)

def perform(attempt, emit):
    logging.getLogger().warning("...")
    try:
        while True:
            time.sleep(0.001)
    finally:
        print("interrupted")

events = SimpleQueue()
executor = ThreadExecutor(
    1, perform=perform, deliver=events.put, now=lambda: datetime.now(timezone.utc)
)
executor.submit(Attempt("work", 1))
assert type(events.get()) is AttemptStarted
is_inside.wait()
executor.give_up("work", 1)
may_go_on.set()
executor.close(wait=True)
print(handler.lock.acquire(timeout=10))
"""


def test_a_task_that_is_interrupted_while_it_logs_leaves_no_handler_locked() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOGGING], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout, ended.stderr) == ("interrupted\nTrue\n", "")


LATE = """
import threading
from dagy._executors.interruption import interrupt

may_end = threading.Event()
thread = threading.Thread(target=may_end.wait)
thread.start()
interrupt(thread)
may_end.set()
thread.join()
interrupt(thread)
"""


def test_a_thread_that_performs_nothing_is_left_alone() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
