"""Somebody else's provider, until the standard input ends."""

import json
import sys

from dagy_auth.testing import FakeProvider

with FakeProvider() as provider:
    provider.expires_in = float(sys.argv[1])
    print(provider.issuer, flush=True)
    sys.stdin.read()
    seen = [request.path for request in provider.requests]
    print(json.dumps({"paths": seen, "refreshes": provider.refresh_count}))
