"""A fake identity provider on loopback, for tests of programs that log in."""

from dagy_auth.testing._exchange import SeenRequest
from dagy_auth.testing._fake_provider import FakeProvider
from dagy_auth.testing._faults import Fault

__all__ = [
    "FakeProvider",
    "Fault",
    "SeenRequest",
]
