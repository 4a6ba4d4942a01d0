"""People with an account on this server, and how each of them gets one."""
