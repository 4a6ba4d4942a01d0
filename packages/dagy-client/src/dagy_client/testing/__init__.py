"""A server of the Dagy API in memory, for the tests of whoever uses the client."""

from dagy_client.testing._clock import FakeClock
from dagy_client.testing._fake_server import FakeServer, fake_server
from dagy_client.testing._faults import (
    AnswerCut,
    AnsweredInstead,
    AnswerLost,
    Fault,
    Unreachable,
)
from dagy_client.testing._messages import SeenRequest
from dagy_client.testing._transport import Script

__all__ = [
    "AnswerCut",
    "AnswerLost",
    "AnsweredInstead",
    "FakeClock",
    "FakeServer",
    "Fault",
    "Script",
    "SeenRequest",
    "Unreachable",
    "fake_server",
]
