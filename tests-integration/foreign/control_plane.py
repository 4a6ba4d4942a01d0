"""A Dagy server with an owner, until the standard input ends; prints how to reach it."""

import json
import sys
from pathlib import Path

from dagy_server.testing import EMAIL, PASSWORD, running_server

with running_server(Path(sys.argv[1])) as server:
    reached = {"url": server.url, "email": EMAIL, "password": PASSWORD, "api_key": server.api_key}
    print(json.dumps(reached), flush=True)
    sys.stdin.read()
