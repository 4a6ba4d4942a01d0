"""Trigger many runs, each once, and print their ids in the order of their numbers."""

import sys
from concurrent.futures import ThreadPoolExecutor

from dagy_client import DagyClient, RetryPolicy

url, key, count = sys.argv[1], sys.stdin.readline().strip(), int(sys.argv[2])
often = RetryPolicy(max_attempts=20, base_seconds=0.01, max_delay_seconds=0.05)

with DagyClient(url, key, retry=often) as client, ThreadPoolExecutor(4) as threads:

    def trigger(number: int) -> str:
        run = client.runs.trigger("nightly", parameters={"number": number})
        assert run.parameters == {"number": number}
        return run.run_id

    print(*threads.map(trigger, range(count)), sep="\n")
