"""A service that runs a deployment and shows its log; of Dagy, it knows dagy-client alone."""

import os
import sys

from dagy_client import DagyClient
from dagy_types.errors import DagyError


def main() -> int:
    with DagyClient(os.environ["DAGY_API_URL"], os.environ["DAGY_API_KEY"]) as client:
        run = client.runs.trigger(sys.argv[1], parameters={"day": sys.argv[2]})
        print("started", run.run_id, flush=True)
        for record in client.runs.logs(run.run_id, follow=True):
            print(record.level, record.message, flush=True)
        print("ended", client.runs.get(run.run_id).status)
    return 0


try:
    sys.exit(main())
except DagyError as error:
    sys.exit(f"{error} ({error.hint})")
