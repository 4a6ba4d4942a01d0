"""For how many seconds each secret is good."""

from __future__ import annotations

CODE = 60
ACCESS_TOKEN = 3_600
REFRESH_TOKEN = 30 * 86_400
DEVICE_CODE = 600
POLL_INTERVAL = 5
SESSION = 12 * 3_600
INVITATION = 7 * 86_400
